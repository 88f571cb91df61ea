/**
 * Why connections were refused or failed, in words for an operator: what the
 * dashboard and `umbra top` say for an error code.
 *
 * @module
 */
/** A code in words. */
export interface Explanation {
  /** A few words. */
  readonly title: string;
  /** What it means and what to look at; a sentence or two. */
  readonly meaning: string;
}

/** What a code means; one that has no words stands for itself. */
export function explain(code: string): Explanation {
  return EXPLANATIONS.get(code) ??
    { title: code, meaning: "See the log for what happened." };
}

const SOCKS = "An application spoke SOCKS to ss-local in a way that is not " +
  "allowed. Usually a defect or a misconfigured application.";
const HTTP = "An application spoke HTTP to ss-local in a way that is not " +
  "allowed. Usually a defect or a misconfigured application.";
const MANIPULATED = "The bytes were authentic but make no sense. A faulty " +
  "client, or one of another edition.";

/** A test sees to it that every code that can be refused is here. */
const EXPLANATIONS: ReadonlyMap<string, Explanation> = new Map(Object.entries({
  ERR_SS_AUTHENTICATION: {
    title: "Wrong key, or a probe",
    meaning: "A client has another password or method, or a stranger tries " +
      "the port. Strangers are met with silence.",
  },
  ERR_SS_TRUNCATED: {
    title: "Ended in the middle",
    meaning: "The peer hung up before its message was whole. Some of it is " +
      "normal on mobile networks.",
  },
  ERR_SS_LENGTH_RESERVED_BITS: {
    title: "Impossible length",
    meaning: MANIPULATED,
  },
  ERR_SS_LENGTH_ZERO: { title: "Empty chunk", meaning: MANIPULATED },
  ERR_SS_ADDRESS_TYPE: {
    title: "Unknown address type",
    meaning: "With a stream cipher: a wrong key, or a probe. Otherwise: " +
      MANIPULATED,
  },
  ERR_SS_ADDRESS_INVALID: {
    title: "Invalid target address",
    meaning: "A client asked for an empty or unprintable name, or for port " +
      "0. With a stream cipher it may have a wrong key, too.",
  },
  ERR_SS_ONE_TIME_AUTH: {
    title: "One-time authentication",
    meaning: "A client has -A or one_time_auth on, which is not served. Turn " +
      "it off there. A wrong key looks like it now and then.",
  },
  ERR_SS_HEADER_TYPE: {
    title: "Wrong kind of header",
    meaning: "A message of the other direction: a reflected recording, or a " +
      "faulty client.",
  },
  ERR_SS_TIMESTAMP: {
    title: "Clocks disagree",
    meaning: "A client's clock is more than 30 seconds from this machine's, " +
      "or an old recording was played. If it happens to every client, set " +
      "the clock of this machine.",
  },
  ERR_SS_REPLAY: {
    title: "Replay",
    meaning: "Somebody played back a recorded connection. It was met with " +
      "silence.",
  },
  ERR_SS_PADDING: { title: "Invalid padding", meaning: MANIPULATED },
  ERR_SS_SALT_MISMATCH: {
    title: "Answer to another request",
    meaning: "A response belongs to another connection: something between " +
      "client and server mixes them up.",
  },
  ERR_SS_SESSION_MISMATCH: {
    title: "Answer in another session",
    meaning: "A datagram answers a session that is none of ours.",
  },
  ERR_SSR_OBFS: {
    title: "Wrong obfs, or a probe",
    meaning: "A client has another obfs, or a stranger tries the port. " +
      "Strangers are met with silence.",
  },
  ERR_SSR_LENGTH: { title: "Impossible packet", meaning: MANIPULATED },
  ERR_SS_USER_UNKNOWN: {
    title: "Unknown user",
    meaning: "The server's key was right, the user's key is none that is " +
      "known: removed, or mistyped.",
  },
  ERR_SOCKS_VERSION: { title: "Not SOCKS", meaning: SOCKS },
  ERR_SOCKS_NO_METHOD: {
    title: "No common SOCKS method",
    meaning: "An application offered no way to log in that is accepted here.",
  },
  ERR_SOCKS_AUTHENTICATION: {
    title: "Wrong SOCKS password",
    meaning: "An application gave a wrong user name or password to ss-local.",
  },
  ERR_SOCKS_COMMAND: {
    title: "SOCKS command not served",
    meaning: "An application asked for something ss-local does not do; BIND " +
      "needs --bind, UDP needs -u.",
  },
  ERR_SOCKS_ADDRESS_TYPE: { title: "Unknown SOCKS address", meaning: SOCKS },
  ERR_SOCKS_MALFORMED: { title: "Malformed SOCKS", meaning: SOCKS },
  ERR_SOCKS_TRUNCATED: {
    title: "SOCKS ended in the middle",
    meaning: "An application hung up during its request.",
  },
  ERR_SOCKS_FRAGMENT: {
    title: "Fragmented datagram",
    meaning: "An application fragments SOCKS datagrams, which nobody " +
      "reassembles.",
  },
  ERR_HTTP_MALFORMED: { title: "Malformed HTTP", meaning: HTTP },
  ERR_HTTP_FRAMING: {
    title: "Ambiguous HTTP length",
    meaning: "Two readers could see the end of a message in two places. " +
      "Refused, for that is how requests are smuggled.",
  },
  ERR_HTTP_TOO_LARGE: {
    title: "HTTP head too large",
    meaning: "A request line or its fields are larger than any sane client's.",
  },
  ERR_HTTP_VERSION: { title: "Not HTTP/1", meaning: HTTP },
  ERR_HTTP_AUTHENTICATION: {
    title: "Wrong HTTP password",
    meaning: "An application gave no or a wrong password to ss-local.",
  },
  ERR_HTTP_TRUNCATED: {
    title: "HTTP ended in the middle",
    meaning: "An application or a web server hung up during a message.",
  },
  ERR_WS_FRAME: {
    title: "Invalid WebSocket frame",
    meaning: "The other end of a WebSocket breaks the rules of the protocol.",
  },
  ERR_WS_TRUNCATED: {
    title: "WebSocket ended in the middle",
    meaning: "The other end, or a proxy on the way, cut the connection.",
  },
  ERR_WS_HANDSHAKE: {
    title: "No WebSocket there",
    meaning: "A server answered something else than a WebSocket: its path or " +
      "address is wrong, or the web server before it has nothing behind it.",
  },
  ERR_INBOUND_PROTOCOL: {
    title: "Protocol not served here",
    meaning: "An application spoke something that this port does not take.",
  },
  ERR_PANEL_ANSWER: {
    title: "Panel not understood",
    meaning: "The panel answered something that is not of its protocol; " +
      "users stay as they are.",
  },
  ERR_DNS_MESSAGE: {
    title: "Invalid DNS message",
    meaning: "A query or an answer was no DNS message, or answered another " +
      "question.",
  },
  ERR_DEFECT: {
    title: "Defect of the program",
    meaning:
      "Something failed that nothing was prepared for; it ended no more " +
      "than what it happened in. The log has the stack: please report it.",
  },
  ERR_NET_REFUSED: {
    title: "Target refused",
    meaning: "Nobody listens at the target's port.",
  },
  ERR_NET_UNREACHABLE: {
    title: "Network unreachable",
    meaning: "This machine has no route to the target; often IPv6 that is " +
      "not there.",
  },
  ERR_NET_HOST_UNREACHABLE: {
    title: "Host unreachable",
    meaning: "The target's network says that the host does not answer.",
  },
  ERR_NET_NAME_NOT_FOUND: {
    title: "No such name",
    meaning: "A client asked for a name that does not exist.",
  },
  ERR_NET_NAME_TEMPORARY: {
    title: "Resolver does not answer",
    meaning: "The system's DNS is unreachable or overloaded. Check it.",
  },
  ERR_NET_TIMEOUT: {
    title: "Timed out",
    meaning: "A target did not answer in time, or a client never finished " +
      "its request: a scanner, or a bad network.",
  },
  ERR_NET_IDLE: {
    title: "Idle too long",
    meaning: "Nothing moved for the idle time, so the connection was closed.",
  },
  ERR_NET_UNANSWERED: {
    title: "No answer from the server",
    meaning: "The server took connections and said nothing: a wrong " +
      "password or method, clocks that differ (2022), or a user who may not. " +
      "`umbra doctor` tells which.",
  },
  ERR_NET_RESET: {
    title: "Connection torn down",
    meaning: "A client or a target reset the connection. Some of it is normal.",
  },
  ERR_NET_CLOSED: {
    title: "Closed here",
    meaning: "We closed the connection ourselves.",
  },
  ERR_NET_ABORTED: {
    title: "Given up here",
    meaning: "The service was stopping, or nobody waited any longer.",
  },
  ERR_NET_PERMISSION: {
    title: "Not permitted",
    meaning: "The system or the runtime forbids it: a firewall rule, or " +
      "Deno's --allow-net.",
  },
  ERR_NET_ADDRESS_IN_USE: {
    title: "Address in use",
    meaning: "Another program has the port.",
  },
  ERR_NET_ADDRESS_UNAVAILABLE: {
    title: "Address not available",
    meaning: "This machine lacks the address, or has no port left for more " +
      "outgoing connections.",
  },
  ERR_NET_DESCRIPTORS: {
    title: "Out of descriptors",
    meaning: "The process may not open more files and sockets. Raise " +
      "LimitNOFILE or ulimit -n.",
  },
  ERR_NET_MESSAGE_SIZE: {
    title: "Datagram too large",
    meaning: "A datagram is larger than the system or the path takes.",
  },
  ERR_NET_TLS: {
    title: "TLS failed",
    meaning: "TLS was not agreed on with a server, or its certificate does " +
      "not hold: expired, for another name, or of an unknown authority.",
  },
  ERR_NET_PLUGIN: {
    title: "Plugin does not run",
    meaning:
      "The program in front of a server has ended, or does not listen. " +
      "The log has its last words.",
  },
  ERR_NET_UNSUPPORTED: {
    title: "Not offered by the runtime",
    meaning: "The runtime, as it was started, cannot do this. The log says " +
      "why.",
  },
  ERR_NET_OTHER: {
    title: "Another network error",
    meaning: "The log tells which.",
  },
  ERR_POLICY_TARGET: {
    title: "Target not allowed",
    meaning: "A client asked for a private or local address. " +
      "--allow-private opens it, if that is wanted.",
  },
  ERR_ROUTE_BLOCKED: {
    title: "Blocked by a rule",
    meaning: "A rule of the routes, or of an ACL, blocks the target. " +
      "`umbra route` tells which.",
  },
  ERR_PROXY_HEADER: {
    title: "No PROXY header",
    meaning: "An address of --proxy-from sent something else, or nothing in " +
      "time. Turn the PROXY protocol on at that balancer, or leave it out.",
  },
  ERR_FAKE_IP_UNKNOWN: {
    title: "Made-up address without a name",
    meaning: "A program has kept an address that DNS had made up for a name, " +
      "and the name is forgotten. It must look the name up again.",
  },
  ERR_CLIENT_BLOCKED: {
    title: "Client not let in",
    meaning: "The ACL has no place for this client's address. It is met with " +
      "silence.",
  },
  ERR_POLICY_STRANGER: {
    title: "Datagram of a stranger",
    meaning: "It came from an address that has no association.",
  },
  ERR_POLICY_LIMIT: {
    title: "A limit is reached",
    meaning: "There was no room for more, so it was dropped.",
  },
  ERR_POLICY_USER_QUOTA: {
    title: "Quota used up",
    meaning: "A user has moved as many bytes as allowed.",
  },
  ERR_POLICY_USER_CONNECTIONS: {
    title: "Too many connections of a user",
    meaning: "A user has as many connections open as allowed.",
  },
  ERR_POLICY_USER_EXPIRED: {
    title: "User expired",
    meaning: "A user's time is over.",
  },
  ERR_POLICY_USER_HOSTS: {
    title: "Too many devices of a user",
    meaning: "A user is connected from as many addresses as allowed.",
  },
  ERR_POLICY_USER_DISABLED: {
    title: "User disabled",
    meaning: "A user who is disabled, or was removed, tried to connect.",
  },
  ERR_POLICY_USER_RATE: {
    title: "Faster than a user may",
    meaning: "Datagrams came faster than the user's rate, so they were " +
      "dropped.",
  },
  ERR_POLICY_HOST_CONNECTIONS: {
    title: "Too many connections of a host",
    meaning: "One client address has as many connections open as one may.",
  },
  ERR_POLICY_STRANGERS: {
    title: "Too many strangers",
    meaning: "More connections stayed unauthenticated than there is room " +
      "for; the oldest had to leave. Somebody probes or floods the port.",
  },
}));
