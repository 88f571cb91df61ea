/**
 * All bounds and default waits of the core, and most of the rest of the
 * program. Each has its unit and, unless it is merely a round number, its
 * reason.
 *
 * @module
 */

/** Payload bytes in one chunk: 14 bits. AEAD spec, "TCP". */
export const MAX_CHUNK_PAYLOAD = 0x3fff;

/** Payload bytes in one chunk of the 2022 edition: 16 bits. SIP022 §3.1.2. */
export const MAX_CHUNK_PAYLOAD_2022 = 0xffff;

/** The most bytes of padding in a request. SIP022 §3.1.3. */
export const MAX_PADDING_LENGTH = 900;

/**
 * Seconds a time stamp may differ from our clock, either way. SIP022 §3.1.3.
 */
export const MAX_TIMESTAMP_SKEW_S = 30;

/**
 * The least milliseconds that a salt of the 2022 edition is remembered. A time
 * stamp that is ahead by the whole skew stays valid for twice the skew, and for
 * up to a second more because stamps are whole seconds. SIP022 §3.1.4 has 60 s.
 */
export const SALT_POOL_MS: number = (2 * MAX_TIMESTAMP_SKEW_S + 1) * 1_000;

/**
 * Milliseconds that the wall clock and the monotonic clock drift apart in one
 * millisecond, without a step: time services slew by at most 500 ppm.
 */
export const CLOCK_SLEW = 0.0005;

/**
 * Salts in each of the two generations of a replay filter; about 100 bytes
 * each. With the 2022 edition, 4,300 requests a second fill one generation,
 * which is more than one process serves.
 */
export const SALT_GENERATION = 262_144;

/** Bytes of a salt that are compared. A shorter IV is padded with zeros. */
export const SALT_MARK_LENGTH = 16;

/**
 * IVs in each of the two generations that a server of a stream cipher
 * remembers, of streams and of packets separately; 50 bytes each. A thousand
 * packets a second fill one generation in a minute.
 */
export const IV_GENERATION = 65_536;

/**
 * Milliseconds between two tries to listen on a port that another process has.
 * No event reports that the port is free.
 */
export const TAKE_OVER_RETRY_MS = 100;

/**
 * Milliseconds of its rate that a user may send at once after a pause: about
 * one full read at 20 Mbit/s.
 */
export const RATE_BURST_MS = 100;

/** Client addresses that a status lists for one user: the latest ones. */
export const MAX_LISTED_HOSTS = 16;

/**
 * Users on one port of AEAD 2017. A client that is not authenticated costs one
 * key derivation for each of them.
 */
export const MAX_TRIAL_USERS = 256;

/**
 * Bytes that are decrypted for one UDP packet of AEAD 2017, over all keys that
 * are tried: 2,048 for each of {@link MAX_TRIAL_USERS}, or 8 keys for the
 * largest packet. Keys are tried until this is used up; the keys of users who
 * were last seen at that address come first.
 */
export const MAX_TRIAL_BYTES = 524_288;

/**
 * The least keys of users of Shadowsocks 2022 that stay bound to their method:
 * those that were used last, one kilobyte each. At most twice as many are kept.
 */
export const MAX_BOUND_KEYS = 1_024;

/**
 * Client addresses whose user is remembered, so that its key is tried first.
 * For an address that was forgotten, the next connection tries all keys.
 */
export const MAX_REMEMBERED_CLIENTS = 4_096;

/**
 * How far a packet id may be behind the highest one received: the number that
 * WireGuard and shadowsocks-rust use.
 */
export const PACKET_WINDOW = 8_128;

/**
 * UDP sessions of the 2022 edition that a server remembers: those in use, and
 * those of the last {@link SALT_POOL_MS}. 500 new sessions a second reach it.
 * Each takes 1.1 KB, and 1 KB more if it was long.
 */
export const MAX_PACKET_SESSIONS = 32_768;

/**
 * Share of those sessions that one user may have, or one client network where
 * users have no names, so that at least four are needed to fill it. 134 new
 * sessions a second reach it.
 */
export const PACKET_SESSION_SHARE = 0.25;

/**
 * Server sessions that may answer one client session: the present one, and the
 * one before a restart. SIP022 §3.2.
 */
export const MAX_SERVER_SESSIONS = 2;

/**
 * Bytes of a salt that stay random when a prefix is set. After 2^32 streams
 * under one key, the probability of two equal salts is a half.
 */
export const MIN_RANDOM_SALT_BYTES = 8;

/**
 * Random bytes of a salt below which the operator is warned: 96 bits, as in
 * GCM.
 */
export const FEW_RANDOM_SALT_BYTES = 12;

/** Bytes of an AEAD tag, the same for every method. */
export const TAG_LENGTH = 16;

/**
 * Blocks of 64 bytes in one direction of a ChaCha20 or Salsa20 stream (256
 * GiB). The counter has 32 bits, and noble does not compute the last block.
 */
export const MAX_ARX_BLOCKS = 0xffff_ffff;

/** Bytes of the longest SOCKS5 message: user name and password of RFC 1929. */
export const MAX_SOCKS_MESSAGE_LENGTH: number = 1 + 1 + 255 + 1 + 255;

/**
 * Bytes of USERID and of HOST in a SOCKS4 request; the protocol sets no bound.
 */
export const MAX_SOCKS4_FIELD_LENGTH = 255;

/**
 * Bytes of an HTTP request line or status line without CRLF. RFC 9112 §3
 * recommends at least 8,000; Apache and nginx allow about 8,192.
 */
export const MAX_HTTP_LINE_LENGTH = 16_384;

/**
 * Bytes of all lines of an HTTP head or a trailer section: four of the longest.
 */
export const MAX_HTTP_HEAD_LENGTH = 65_536;

/**
 * Milliseconds that a failed relay waits for its last bytes to be sent. Usually
 * they fit into the system's buffer at once.
 */
export const BREAK_OFF_MS = 1_000;

/** Payload bytes of a WebSocket control frame. RFC 6455 §5.5. */
export const MAX_CONTROL_PAYLOAD = 125;

/**
 * Bytes of a WebSocket message of a stream: four of the longest reads. No
 * buffer of this size is kept; the bound refuses messages without an end.
 */
export const MAX_WEBSOCKET_MESSAGE = 1_048_576;

/** Bytes of a WebSocket message that is a packet: the largest UDP over IPv4. */
export const MAX_WEBSOCKET_PACKET = 65_507;

/** Milliseconds for the peer's Close frame, after ours was sent. */
export const WEBSOCKET_CLOSE_MS = 10_000;

/**
 * Milliseconds of silence before we end a stream to v2ray-plugin, which does
 * not support half-close: the time that its own client waits.
 */
export const V2RAY_CLOSE_DELAY_MS = 5_000;

/**
 * Bytes of packets that may wait to be written to a WebSocket. Further packets
 * are dropped, as a full UDP socket drops them.
 */
export const MAX_WEBSOCKET_PENDING = 524_288;

/** Fields of an HTTP head; Apache allows 100. */
export const MAX_HTTP_FIELDS = 128;

/** Fields of an HTTP response: browsers accept as many as fit into a head. */
export const MAX_HTTP_RESPONSE_FIELDS = 1_024;

/**
 * Bytes of the line before an HTTP chunk: a size of 12 digits, and extensions,
 * which are ignored.
 */
export const MAX_HTTP_CHUNK_LINE_LENGTH = 1_024;

/**
 * Bytes of a request body that are read and discarded, so that a refused client
 * can try again on the same connection. For longer bodies a new connection is
 * cheaper.
 */
export const MAX_HTTP_REFUSED_BODY = 65_536;

/**
 * Milliseconds from accept until a client of `ss-server` must have sent a valid
 * request, and until a connection with an invalid request is closed. The two
 * must be equal: a difference would show a probe that its request was invalid.
 * Outline uses 59 s, the time-out of many web servers.
 */
export const SERVER_HANDSHAKE_TIMEOUT_MS = 60_000;

/**
 * Share by which the wait above is lengthened at random, so that it is no
 * constant by which the server can be recognised.
 */
export const SERVER_HANDSHAKE_JITTER = 0.5;

/**
 * Milliseconds for an application to finish its SOCKS handshake, to complete
 * the head of an HTTP request it has begun, or to read an answer.
 */
export const LOCAL_HANDSHAKE_TIMEOUT_MS = 30_000;

/**
 * Milliseconds that `ss-server` waits for the peer of a SOCKS5 BIND. The
 * command was made for FTP, whose peers connect within seconds.
 */
export const BIND_ACCEPT_TIMEOUT_MS = 60_000;

/**
 * Milliseconds to resolve a name and connect to one of its addresses: TCP sends
 * four SYNs in that time, at 0, 1, 3 and 7 s (RFC 6298 §2).
 */
export const CONNECT_TIMEOUT_MS = 10_000;

/**
 * Milliseconds without an answer after which a local logs a hint about a server
 * that has never answered.
 */
export const SILENCE_HINT_MS = 10_000;

/**
 * The most milliseconds between two keepalive probes to a peer that does not
 * answer. With the system's 75,000, nine probes take 11 minutes.
 */
export const KEEP_ALIVE_QUESTION_MS = 15_000;

/** Milliseconds between connection attempts. RFC 8305 §5 recommends 250. */
export const ATTEMPT_DELAY_MS = 250;

/**
 * Milliseconds without an answer on any connection, after sending, until a
 * server is suspected: three round trips over a slow satellite link.
 */
export const SERVER_SILENCE_MS = 2_000;

/**
 * Unanswered connections after which a server is suspected, if it may not be
 * probed.
 */
export const SILENT_CONNECTIONS = 5;

/**
 * Different targets without an answer after which the same happens. A single
 * slow target says nothing about the server.
 */
export const SILENT_TARGETS = 3;

/**
 * Milliseconds in which a target causes no suspicion by itself, because its
 * silence was once not the server's fault.
 */
export const SLOW_TARGET_MS = 60_000;

/** Targets of which this is remembered; the oldest is replaced. */
export const MAX_SLOW_TARGETS = 64;

/** The half-life, in milliseconds, of measured times. */
export const SERVER_TIME_HALF_LIFE_MS = 30_000;

/** The latest tries of a server, from which the failure rate is computed. */
export const SERVER_OUTCOMES = 20;

/**
 * Milliseconds until a server that is down is tried again; doubles each time.
 */
export const SERVER_RETRY_MS = 5_000;

/** The longest of those waits in milliseconds. */
export const MAX_SERVER_RETRY_MS = 300_000;

/** Share by which those waits are randomly longer or shorter. */
export const SERVER_RETRY_JITTER = 0.2;

/**
 * Milliseconds between two looks at the addresses of this machine. With another
 * network, servers are tried at once, so a look is as rare as their first try.
 */
export const NETWORK_LOOK_MS = 5_000;

/**
 * Milliseconds by which such a look must be late to mean that the machine
 * slept. A busy machine is late by less, and routers keep idle connections for
 * longer.
 */
export const MACHINE_SLEEP_MS = 20_000;

/**
 * The least milliseconds between two probes of one server that is suspected.
 */
export const SUSPICION_INTERVAL_MS = 5_000;

/** The least milliseconds that such a probe may take. */
export const MIN_SUSPICION_MS = 1_000;

/** How many times the usual duration such a probe may take. */
export const SUSPICION_FACTOR = 4;

/** The least milliseconds until a connect is raced with the next server. */
export const MIN_RACE_DELAY_MS = 300;

/**
 * The most milliseconds until then; used for servers without measured times.
 */
export const MAX_RACE_DELAY_MS = 2_000;

/** How many times the usual duration a connect may take before the race. */
export const RACE_FACTOR = 2;

/** Milliseconds between two probes of a server that works; ± 30 %. */
export const PROBE_INTERVAL_MS = 60_000;

/** Share by which that interval is randomly longer or shorter. */
export const PROBE_JITTER = 0.3;

/** Milliseconds a probe may take, as in shadowsocks-rust. */
export const PROBE_TIMEOUT_MS = 5_000;

/** Probes that run at once, over all servers of a group. */
export const MAX_PROBES = 8;

/** Milliseconds by which a server must be faster than the one in use. */
export const LATENCY_TOLERANCE_MS = 50;

/** The largest tolerance that can be set, in milliseconds. */
export const MAX_LATENCY_TOLERANCE_MS = 10_000;

/**
 * Share of the time of the server in use by which another must also be faster.
 */
export const LATENCY_GAIN = 0.2;

/** Milliseconds between two comparisons; a change needs two of them. */
export const LATENCY_INTERVAL_MS = 10_000;

/** The least milliseconds that a working server stays in use. */
export const MIN_DWELL_MS = 30_000;

/** Unanswered datagrams after which a server is suspected for UDP. */
export const SILENT_DATAGRAMS = 8;

/** Flows that they must come from, since the target of one flow may be down. */
export const SILENT_FLOWS = 2;

/** Milliseconds that must lie between the first and the last of them. */
export const UDP_SILENCE_MS = 3_000;

/**
 * Milliseconds until one flow tries such a server again; doubles up to
 * {@link MAX_SERVER_RETRY_MS}. A failed try delays the flow's application by
 * {@link UDP_FLOW_GRACE_MS}.
 */
export const UDP_RETRY_MS = 60_000;

/**
 * Milliseconds after which the flows of such a server end, so that their
 * applications start new flows over another server.
 */
export const UDP_FLOW_GRACE_MS = 30_000;

/** Addresses of one name that are tried; a name may have hundreds. */
export const MAX_DIAL_ADDRESSES = 8;

/**
 * Milliseconds without a byte in either direction; `-t` sets it. RFC 5382 §5
 * requires two hours of a NAT, but a relayed connection holds two sockets.
 */
export const IDLE_TIMEOUT_MS = 300_000;

/**
 * Sockets at once that answer redirected datagrams, one for each target. A page
 * uses a few dozen targets over UDP; each socket is a descriptor.
 */
export const MAX_REPLY_SOCKETS = 512;

/** Milliseconds without an answer until such a socket is closed. */
export const REPLY_SOCKET_IDLE_MS = 60_000;

/**
 * Milliseconds that a connection with TCP fast open waits for its first bytes
 * while it is read from. This is longer than `FIRST_PAYLOAD_WAIT_MS`, so that
 * only protocols in which the server speaks first are delayed.
 */
export const FAST_OPEN_WAIT_MS = 60;

/**
 * Milliseconds `ss-local` waits for an application's first bytes, so that they
 * share one segment with salt and address. libev waits 50, Outline 10. A
 * protocol in which the server speaks first is delayed once.
 */
export const FIRST_PAYLOAD_WAIT_MS = 50;

/** Milliseconds for a program of the system that reads or sets one value. */
export const TOOL_TIMEOUT_MS = 5_000;

/** Bytes of the output of such a program; the longest is a list of hosts. */
export const MAX_TOOL_OUTPUT = 65_536;

/** Milliseconds in which a proxy on this machine must accept a connection. */
export const PROXY_ANSWER_MS = 500;

/**
 * Milliseconds that a local waits for a client's first bytes, where they may
 * contain the name of the target. A protocol in which the server speaks first
 * is delayed once.
 */
export const SNIFF_WAIT_MS = 300;

/**
 * Bytes that are searched for a name: a ClientHello with a post-quantum key
 * share has about 1,800, and HTTP servers accept heads of 8 KiB.
 */
export const MAX_SNIFFED_BYTES = 8_192;

/**
 * Milliseconds for a refused application to read its reply and close. RFC 1928
 * §6 allows 10 s.
 */
export const REFUSAL_LINGER_MS = 2_000;

/** Connections open at once, if the system's limit allows it. */
export const MAX_CONNECTIONS = 16_384;

/**
 * Share of the limit of connections at which accepting resumes after the limit
 * was reached, so that it does not stop and start with every connection.
 */
export const RESUME_ACCEPT_SHARE = 0.98;

/**
 * Share of a server's connections that may be unauthenticated while descriptors
 * are short. Otherwise there is no such limit: at the limit of connections, the
 * oldest unauthenticated one is closed for a new one.
 */
export const STRANGERS_SHARE = 0.5;

/**
 * Milliseconds a connection always has to authenticate, even under load: a
 * local waits 50 for its application, and packets need their time. With 1,024
 * descriptors, a server has room for 2,700 unauthenticated connections a
 * second. Further ones wait in the system's queue, or are reset on Bun.
 */
export const MIN_STRANGER_MS = 150;

/**
 * Descriptors below which a program does not start. They allow 24 connections,
 * or 17 with 16 UDP flows.
 */
export const MIN_DESCRIPTORS = 128;

/**
 * Milliseconds without a new event after which a shortage or an overload is
 * over. Until then it is logged once, and the measures against it stay in
 * effect.
 */
export const CALM_MS = 60_000;

/**
 * Share of the open connections that is kept when descriptors run out. The
 * freed descriptors serve other uses, and dials of the remaining connections.
 */
export const SHORTAGE_SHARE = 0.75;

/**
 * Descriptors reserved for listeners, files, name look-ups, the runtime, the
 * operator's port (`MAX_ADMIN_CONNECTIONS`) and the port of invitations.
 */
export const RESERVED_DESCRIPTORS = 64;

/**
 * Accepted connections that may wait for the service on a runtime that cannot
 * stop accepting (Bun). Further ones are reset.
 */
export const MAX_UNACCEPTED = 128;

/** Those connections may use one in this many descriptors. */
export const UNACCEPTED_SHARE = 8;

/** Descriptors one relayed connection needs: client and target. */
export const DESCRIPTORS_PER_CONNECTION = 2;

/**
 * Milliseconds to wait after accept failed; doubles each time. Without the
 * wait, accept would fail in a busy loop: the pending connection is still
 * there.
 */
export const ACCEPT_BACKOFF_MS = 50;

/** The longest of those waits in milliseconds; new clients wait as long. */
export const MAX_ACCEPT_BACKOFF_MS = 1_000;

/**
 * Milliseconds without a failure after which accepting counts as recovered: two
 * of the longest waits.
 */
export const ACCEPT_RECOVERED_MS = 2_000;

/**
 * Milliseconds for open connections to finish when a service stops. systemd
 * kills a program after 90 s, Docker after 10.
 */
export const GRACE_MS = 5_000;

/** Milliseconds between two updates of the dashboard and of `umbra top`. */
export const STATUS_INTERVAL_MS = 1_000;

/**
 * Milliseconds of history that the dashboard and `umbra top` keep in memory.
 */
export const HISTORY_MS = 600_000;

/** Minutes of its own history that a program keeps: a day, about 200 KiB. */
export const DAY_HISTORY_MINUTES = 1_440;

/** Servers that can be added to a running local. */
export const MAX_ADDED_SERVERS = 64;

/** Requests that a local remembers with their targets: one screen. */
export const MAX_RECENT_REQUESTS = 100;

/** Milliseconds without an update after which a plot shows a gap. */
export const HISTORY_GAP_MS = 5_000;

/** Milliseconds for an answer of the operator's port. */
export const STATUS_TIMEOUT_MS = 5_000;

/** Bytes of a status: more than ten thousand users of one kilobyte. */
export const MAX_STATUS_LENGTH = 16_777_216;

/**
 * Bytes of buffers kept for reuse, for reads and writes together: what about
 * sixty busy connections use. With 4 MiB, 64 connections on Deno take one and a
 * half times the processor time.
 */
export const MAX_POOLED_BYTES = 16_777_216;

/**
 * Bytes that all busy connections together may read at once: half of the pool.
 */
export const MAX_BUSY_READ_BYTES = 8_388_608;

/**
 * Bytes that wait to be written, over all connections, above which reads are
 * limited to {@link CROWDED_READ_BUFFER}: 8 of the longest reads.
 */
export const MAX_WAITING_BYTES = 4_194_304;

/**
 * The most bytes of one read of a busy connection while many bytes wait. A
 * receiver that does not read then holds up one read and a partial chunk.
 */
export const CROWDED_READ_BUFFER = 16_384;

/**
 * Bytes of a chunk from Bun at which a connection starts to read for itself.
 * Smaller chunks are delivered by Bun.
 */
export const LONG_READ = 16_384;

/** Bytes of the first read of a connection. */
export const MIN_READ_BUFFER = 4_096;

/**
 * Bytes of one read while a connection is quiet, since each of thousands of
 * quiet connections holds a buffer.
 */
export const QUIET_READ_BUFFER = 1_024;

/** Buffers for first reads that are kept for later connections: 256 KiB. */
export const MAX_FIRST_BUFFERS = 64;

/**
 * The most bytes of one read. The size grows fourfold while reads fill it. With
 * half of it, a byte takes a tenth more processor time; twice of it saves
 * nothing more.
 */
export const MAX_READ_BUFFER = 524_288;

/**
 * Bytes that our own sockets may read in one turn of the event loop before
 * timers, new connections and the runtime's sockets get their turn.
 */
export const MAX_TURN_BYTES = 524_288;

/**
 * What an accepted connection counts in these bytes: 64 are accepted in a turn.
 */
export const ACCEPT_TURN_BYTES = 4_096;

/**
 * Bytes of a read up to which it is copied out; a longer one keeps its buffer.
 */
export const MAX_COPIED_READ = 32_768;

/**
 * Connections that wait in the kernel to be accepted, if the system allows it.
 */
export const LISTEN_BACKLOG = 1_024;

/**
 * Milliseconds for the self-test of our own sockets at start. It takes 10 on an
 * idle machine.
 */
export const SELF_TEST_MS = 3_000;

/**
 * Milliseconds until the event loop checks again after it could not arm its
 * wake-up.
 */
export const BELL_RETRY_MS = 5;

/**
 * Milliseconds in which a thread waits for its next event itself, before it
 * hands over to the runtime; timers may be late by this time.
 */
export const OWN_WAIT_MS = 2;

/**
 * Bytes of a piece of memory from which short-lived arrays are cut: about forty
 * datagrams of 1,500 bytes. The piece is freed with its last array.
 */
export const PIECE_BYTES = 65_536;

/** Bytes of the longest such array; a longer one has its own memory. */
export const MAX_CUT_BYTES = 4_096;

/**
 * Addresses of senders that a thread keeps as text, one for each of
 * {@link MAX_UDP_FLOWS}. At the limit, all are dropped.
 */
export const MAX_KNOWN_ADDRESSES = 1_024;

/** Reads of unread data before a connection is closed: 4 MiB. */
export const MAX_DISCARDS = 16;

/** Datagrams in one system call that receives or sends. */
export const DATAGRAM_BATCH = 64;

/**
 * Datagrams that a socket may receive in one turn. It is half of its queue, so
 * that none is dropped while there is a reader.
 */
export const MAX_TURN_DATAGRAMS = 256;

/** Bytes of datagrams in one system call that sends. */
export const SEND_BATCH_BYTES = 262_144;

/**
 * Bytes of the receive buffer that is requested for a UDP socket: 1,800
 * datagrams of 1,200 bytes with the kernel's overhead, or 180 ms at 10,000 a
 * second. Only waiting datagrams take memory.
 */
export const UDP_RECEIVE_BUFFER = 2_097_152;

/** Bytes of the largest UDP payload: 65,535 less IPv6's 8-byte UDP header. */
export const MAX_DATAGRAM_LENGTH = 65_527;

/**
 * Datagrams that may wait in a socket for `receive()`: about 5 ms of full
 * datagrams at one gigabit a second.
 */
export const MAX_QUEUED_DATAGRAMS = 512;

/** Bytes of those datagrams; either bound applies. */
export const MAX_QUEUED_DATAGRAM_BYTES = 524_288;

/**
 * Milliseconds without a datagram in either direction until a UDP flow ends;
 * `--udp-timeout` sets it. RFC 4787 §4.3 requires at least 2 minutes.
 */
export const UDP_TIMEOUT_MS = 300_000;

/**
 * UDP flows open at once, if there are enough descriptors. At the limit, the
 * flow that was quiet for longest is closed. libev has 512. On Deno, a socket
 * costs 72 KB.
 */
export const MAX_UDP_FLOWS = 1_024;

/**
 * Share of the descriptors for UDP flows. The rest is for TCP, whose
 * connections are not closed to make room for each other.
 */
export const UDP_DESCRIPTOR_SHARE = 0.25;

/**
 * Datagrams of one flow that may wait in each direction: for the socket, for a
 * name to be resolved, or for the system.
 */
export const MAX_PENDING_PER_FLOW = 64;

/** Datagrams of all flows of a service that may wait: at most 32 MiB. */
export const MAX_PENDING_DATAGRAMS = 512;

/** Names whose addresses are remembered: one for each of {@link MAX_UDP_FLOWS}. */
export const MAX_CACHED_NAMES = 1_024;

/**
 * Concurrent name look-ups for datagrams; those for connections are separate.
 */
export const MAX_LOOKUPS = 64;

/**
 * Milliseconds after which the addresses of a name in use are looked up again,
 * while the known ones are still used. The system's resolver reports no TTL.
 */
export const NAME_REFRESH_MS = 2_000;

/**
 * Milliseconds that the addresses of a name are used without a new look-up.
 * With a look-up of one second, a changed name is followed within 5 s.
 */
export const NAME_TTL_MS = 4_000;

/**
 * Milliseconds that the addresses of a name are used if it cannot be looked up,
 * so that a short failure of the resolver ends no flow.
 */
export const NAME_STALE_MS = 30_000;

/**
 * Milliseconds until a failed look-up is repeated; otherwise every datagram
 * would.
 */
export const NAME_FAILURE_TTL_MS = 2_000;

/** Answers that the DNS inbound caches: 4 MiB of the largest. */
export const MAX_CACHED_ANSWERS = 1_024;

/** Bytes of a cached query with its answer; longer ones are not cached. */
export const MAX_CACHED_ANSWER_LENGTH = 4_096;

/** The most seconds an answer is cached, whatever its TTL. RFC 8767 §4. */
export const MAX_ANSWER_TTL_S = 86_400;

/** Addresses that are read from one DNS answer; real answers have a dozen. */
export const MAX_ANSWER_ADDRESSES = 64;

/**
 * The TTL, in seconds, of an answer with a made-up address. Programs ask again
 * soon, and the name keeps its address.
 */
export const FAKE_IP_TTL_S = 1;

/** Names that have made-up addresses: half of the usual range, 12 MiB. */
export const MAX_FAKE_NAMES = 65_536;

/** Milliseconds between two times that made-up addresses are saved to disk. */
export const FAKE_IP_SAVE_MS = 60_000;

/** Addresses whose names are remembered, which takes 1.5 MiB. */
export const MAX_REVERSE_NAMES = 8_192;

/**
 * Seconds that the name of an address is remembered after its TTL, since
 * programs may connect some time after they have asked.
 */
export const REVERSE_NAME_GRACE_S = 60;

/** Bytes of a DNS message over TCP: the largest value of its length field. */
export const MAX_DNS_MESSAGE_LENGTH = 65_535;

/** Idle connections to one resolver that are kept for later queries. */
export const MAX_IDLE_DNS_TALKS = 4;

/** Bytes of a DNS query; real queries have a few dozen. */
export const MAX_DNS_QUERY_LENGTH = 4_096;

/**
 * Bytes of a DNS answer over UDP, even if a client allows more: 65,535 less the
 * headers of IPv4 and UDP.
 */
export const MAX_DNS_UDP_LENGTH = 65_507;

/** DNS queries that wait for an answer over UDP: 256 new ones a second. */
export const MAX_PENDING_QUERIES = 512;

/**
 * Connections to the DNS inbound, and concurrent queries over TCP, each of
 * which is a connection to the server.
 */
export const MAX_DNS_CONNECTIONS = 64;

/**
 * Milliseconds until a DNS query that has no answer over UDP is repeated over
 * TCP, on a server that can be reached. Programs wait 5 seconds.
 */
export const DNS_UDP_TIMEOUT_MS = 2_000;

/** Milliseconds to connect to a server for DNS before the next one is tried. */
export const DNS_CONNECT_TIMEOUT_MS = 2_000;

/**
 * Milliseconds for one DNS query over TCP, between two queries of a client, and
 * for a client to read an answer.
 */
export const DNS_TCP_TIMEOUT_MS = 10_000;

/** Bytes of the body of a request to the operator's port. */
export const MAX_ADMIN_BODY_LENGTH = 65_536;

/** Bytes of the head of a request to the operator's port. */
export const MAX_ADMIN_HEAD_LENGTH = 16_384;

/**
 * Connections to the operator's port at once. At the limit, a new one replaces
 * the one that has waited longest for its client. A browser opens six.
 * `RESERVED_DESCRIPTORS` includes them.
 */
export const MAX_ADMIN_CONNECTIONS = 32;

/**
 * Connections to the port of invitations at once, with the same rule; a page is
 * one request. `RESERVED_DESCRIPTORS` includes them, too.
 */
export const MAX_INVITE_CONNECTIONS = 16;

/** Share of the descriptors that either port may use, if there are few. */
export const ADMIN_DESCRIPTOR_SHARE = 0.125;

/** Milliseconds for the head of a request to the operator's port. */
export const ADMIN_HEAD_TIMEOUT_MS = 10_000;

/**
 * Milliseconds for the whole request, and without a byte moving while it is
 * answered.
 */
export const ADMIN_REQUEST_TIMEOUT_MS = 30_000;

/**
 * Milliseconds that an idle connection to the operator's port is kept: many
 * times the interval at which the dashboard asks.
 */
export const ADMIN_KEEP_ALIVE_MS = 15_000;

/**
 * Wrong tokens from one address in a window that are logged. Further ones are
 * answered with 429; the right token is still accepted. The same number of
 * wrong secret paths of one user is allowed from one address; after that, paths
 * from there are not checked.
 */
export const MAX_WRONG_TOKENS = 10;

/**
 * Milliseconds after which wrong tokens are forgotten, which limits the log to
 * ten lines a minute for each address.
 */
export const WRONG_TOKEN_WINDOW_MS = 60_000;

/**
 * Addresses whose wrong tokens are counted, and pairs of address and user whose
 * wrong paths are; the oldest is replaced.
 */
export const MAX_WRONG_TOKEN_PEERS = 1_024;

/**
 * Hours until an app fetches its subscription again: a new key is used within a
 * day.
 */
export const PROFILE_UPDATE_HOURS = 12;

/** Milliseconds between two checks of the files of a certificate. */
export const CERTIFICATE_LOOK_MS = 60_000;

/** Characters of the name of a user. */
export const MAX_USER_NAME_LENGTH = 64;

/**
 * Milliseconds after a change of users until the store is copied. A copy writes
 * every user again.
 */
export const STORE_COPY_MS = 15_000;

/** Milliseconds after a change of counts only until the store is copied. */
export const STORE_COUNTS_COPY_MS = 600_000;

/** Bytes of one datagram of the manager protocol, request or reply. */
export const MAX_MANAGER_DATAGRAM_LENGTH = 32_767;

/**
 * MiB per second of one core below which a cipher is called slow. Deno's own
 * AES does 170, Bun's about 900, or 480 on a busy machine; libcrypto does 2,000
 * or more.
 */
export const SLOW_CRYPTO_MIB = 300;

/** Threads of `--workers`: as many as large machines have cores. */
export const MAX_WORKERS = 256;

/** Milliseconds to fetch a published list of servers, as shadowsocks-rust has. */
export const ONLINE_TIMEOUT_MS = 30_000;

/** Bytes of such a list after decompression: some thousand servers. */
export const MAX_ONLINE_BYTES = 1_048_576;

/** Uses of all anchors in a list in YAML; providers use a few. */
export const MAX_YAML_ALIASES = 100;

/**
 * Characters of one such YAML text. A key has some hundred; parsing a megabyte
 * of brackets would block the program for ten seconds.
 */
export const MAX_YAML_LENGTH = 65_536;

/**
 * Redirections that are followed to such a list; RFC 9110 §15.4 sets no limit.
 */
export const MAX_ONLINE_REDIRECTS = 5;

/**
 * Milliseconds between two fetches of such a list; `--refresh` sets it. An
 * hour, as in shadowsocks-rust.
 */
export const ONLINE_REFRESH_MS = 3_600_000;

/**
 * Milliseconds until such a list is fetched again after its host did not
 * answer.
 */
export const ONLINE_RETRY_MS = 60_000;

/** Milliseconds between two checks if memory should be given back (a rest). */
export const REST_CHECK_MS = 5_000;

/**
 * Share of one processor below which a process counts as idle, so that it may
 * rest.
 */
export const REST_LOAD = 0.02;

/**
 * Milliseconds of processor time since the last rest that justify another one.
 */
export const REST_WORTH_MS = 500;

/**
 * The most that a rest may cost, as a share of the processor time before it.
 */
export const REST_COST_SHARE = 0.1;

/**
 * Milliseconds from a rest until free memory is given back once more, because V8
 * frees the bytes of collected arrays on another thread after the collection.
 */
export const REST_SWEEP_MS = 1_000;

/** Growth of memory, as a factor, after which an idle process rests as well. */
export const REST_GROWTH = 1.2;

/**
 * Connections that have ended since the last rest, of those open at that rest,
 * after which an idle process rests as well: their memory is garbage, and
 * ending them uses too little processor time to justify a rest by itself. A
 * rest costs as much as 64 new connections.
 */
export const REST_ENDED = 64;

/** Milliseconds between two checks of the growth of memory. */
export const GROWTH_CHECK_MS = 200;

/** Bytes of growth after which garbage is collected. */
export const GROWTH_BYTES = 4_194_304;

/** Bytes of a host name: the most that a SOCKS request can contain. */
export const MAX_NAME_LENGTH = 255;

/**
 * Slots that are tried for a name in a table of rules. A table that is half
 * full needs a few dozen; names chosen to collide need more.
 */
export const MAX_NAME_PROBES = 256;

/**
 * Names, addresses and patterns in one list of rules; the largest in use have a
 * third of it.
 */
export const MAX_LIST_ENTRIES = 1_000_000;

/**
 * Rules in one list, each with entries of its own; real lists have a handful.
 */
export const MAX_LIST_RULES = 10_000;

/** Bytes of a list of rules after decompression. */
export const MAX_LIST_BYTES = 67_108_864;

/** Characters of a line in a list: the longest pattern, and a long comment. */
export const MAX_LIST_LINE_LENGTH = 4_096;

/** Levels of nested rules. */
export const MAX_RULE_DEPTH = 16;

/** Labels of all names in a binary list: 8 for each entry. */
export const MAX_TRIE_LABELS = 8_388_608;

/**
 * Reasons why entries have no effect that are reported, and places for each.
 */
export const MAX_LIST_NOTES = 16;

/** Characters of one regular expression in a list. */
export const MAX_PATTERN_LENGTH = 1_024;

/** Levels of nested groups in a regular expression. */
export const MAX_PATTERN_DEPTH = 32;

/**
 * The highest number of repetitions in a regular expression: no name is longer.
 */
export const MAX_PATTERN_REPEAT = 255;

/**
 * States of all regular expressions of a list: 10,000 of the usual length.
 * Matching a name visits each state at most once for each character.
 */
export const MAX_PATTERN_STATES = 131_072;

/** Parts of one regular expression after its repetitions are expanded. */
export const MAX_PATTERN_WORK = 16_384;

/**
 * Combinations of states that are cached for a list; 80 bytes or more each. A
 * real list of 192 patterns needs some hundred, 5,000 patterns some ten
 * thousand.
 */
export const MAX_PATTERN_CACHE_STATES = 16_384;

/** States in all those combinations together; 4 bytes each. */
export const MAX_PATTERN_CACHE_THREADS = 262_144;

/**
 * Milliseconds to resolve a name that a rule compares by its addresses. After
 * that, no such rule matches.
 */
export const ROUTE_LOOKUP_TIMEOUT_MS = 2_000;

/** Rules in a PAC file for browsers that read the file for each request. */
export const MAX_SMALL_PAC_RULES = 2_000;

/** Bytes of rules in a PAC file: browsers accept about a megabyte. */
export const MAX_PAC_BYTES = 900_000;

/** Milliseconds to fetch a list of rules. */
export const LIST_TIMEOUT_MS = 30_000;

/** Bytes of a list of rules before decompression. */
export const MAX_FETCHED_LIST_BYTES = 16_777_216;

/**
 * Milliseconds between two fetches of a list of rules; `update_interval` sets
 * it.
 */
export const LIST_REFRESH_MS = 86_400_000;

/** Milliseconds until a list of rules is fetched again after a failure. */
export const LIST_RETRY_MS = 60_000;

/**
 * Bytes of payload that a handshake holds back: the first payload, and one read
 * that was already pending.
 */
export const MAX_HELD_BYTES: number = 2 * MAX_READ_BUFFER;

/**
 * Bytes of a write between two layers for which a buffer is kept, two for each
 * thread: one read and what the layers add. Longer ones are allocated each
 * time.
 */
export const MAX_LAYER_SCRATCH: number = MAX_READ_BUFFER + 65_536;

/**
 * Seconds a time stamp of ShadowsocksR may differ from our clock, either way:
 * what the original programs allow.
 */
export const MAX_SSR_SKEW_S = 86_400;

/** Bytes of one packet of `auth_sha1_v4` and `auth_aes128_*`, less one. */
export const MAX_SSR_PACKET = 8_191;

/** Bytes of payload in one of those packets. */
export const SSR_UNIT = 8_100;

/** Bytes of payload and padding in one packet of `auth_chain_*`, less one. */
export const MAX_SSR_CHAIN_BODY = 4_095;

/** Bytes of payload in one packet of `auth_chain_*` of a client. */
export const SSR_CHAIN_UNIT = 2_800;

/**
 * Bytes of a TCP segment, which determine the padding of ShadowsocksR:
 * Ethernet's 1,500 less the IPv4 and TCP headers.
 */
export const SSR_SEGMENT = 1_460;

/**
 * The most bytes a client may claim that its layers add to a packet; they add
 * 9.
 */
export const MAX_SSR_OVERHEAD = 64;

/**
 * Bytes of the HTTP head that disguises ShadowsocksR; the original programs'
 * bound.
 */
export const MAX_SSR_HTTP_HEAD = 65_536;

/** Bytes of a record of the TLS handshake that ShadowsocksR imitates. */
export const MAX_SSR_TLS_RECORD = 2_048;

/**
 * Clients of ShadowsocksR whose connection ids are remembered: one for each
 * start of each client in two days. 200 bytes each, or 1.2 KB for a busy one.
 */
export const MAX_SSR_CLIENTS = 16_384;

/**
 * Share of those clients that one user may have, or one IPv4 address or IPv6
 * /64 where users have no names, so that at least four are needed to fill it.
 */
export const SSR_CLIENT_SHARE = 0.25;

/**
 * Connection ids before the first one received that still count as new, since
 * connections that were opened together arrive in any order. The original
 * programs' number.
 */
export const SSR_EARLIER_CONNECTIONS = 64;

/**
 * Characters of the log that may wait to be written: one or two thousand lines.
 * Further lines are lost and counted.
 */
export const MAX_UNWRITTEN_LOG = 262_144;

/** Milliseconds that a program waits at its end for its log to be written. */
export const LOG_FLUSH_MS = 500;

/** The shortest wait in milliseconds that shares a timer with others. */
export const MIN_WHEEL_MS = 1_000;

/**
 * The most milliseconds by which such a wait may be late: a tenth of it at
 * most.
 */
export const WHEEL_TICK_MS = 100;

/** Milliseconds of the longest timer of either runtime (31 bits). */
export const MAX_TIMER_MS = 2_147_483_647;

/**
 * Cipher contexts that are kept for later connections, for each direction; half
 * a kilobyte each.
 */
export const MAX_FREE_CONTEXTS = 256;

/** Users that a status lists by default. */
export const FIRST_USERS = 100;

/** The most users that a status lists: about 250 KB of JSON, once a second. */
export const MAX_USER_PAGE = 1_000;

/**
 * The shortest time in milliseconds over which a user's rate is measured, since
 * several viewers may ask in quick succession.
 */
export const MIN_RATE_MS = 900;

/** Bytes of the longest header of PROXY protocol 1, including CR LF. */
export const MAX_PROXY_LINE = 107;

/**
 * Bytes after the first 16 of a header of PROXY protocol 2: addresses, and
 * extensions for clouds and certificates.
 */
export const MAX_PROXY_BODY = 2_048;

/** Milliseconds for a proxy to send the PROXY protocol header. */
export const PROXY_HEADER_TIMEOUT_MS = 5_000;

/** UDP sessions whose client a proxy has named; the quietest is replaced. */
export const MAX_PROXIED_SESSIONS = 16_384;

/** Characters of one line of a plugin's output; the rest is cut off. */
export const MAX_PROGRAM_LINE = 500;

/** Milliseconds from SIGTERM to SIGKILL of a program that does not end. */
export const PROGRAM_END_MS = 3_000;

/** Milliseconds for the last output of a program that has ended. */
export const PROGRAM_OUTPUT_MS = 100;

/**
 * Milliseconds within which a stopped program must have ended; SIGKILL was sent
 * two seconds before.
 */
export const PROGRAM_GONE_MS = 5_000;

/** Milliseconds between two questions to a panel, unless the panel sets it. */
export const DEFAULT_PANEL_MS = 60_000;

/** The shortest interval, in milliseconds, that a panel may set. */
export const MIN_PANEL_MS = 5_000;

/** The longest interval, in milliseconds, that a panel may set. */
export const MAX_PANEL_MS = 3_600_000;

/** Share by which these intervals are randomly longer or shorter. */
export const PANEL_JITTER = 0.1;

/** Milliseconds for one request to a panel and its answer. */
export const PANEL_CALL_MS = 30_000;

/** Milliseconds for the last report to a panel when the program ends. */
export const PANEL_LAST_MS = 3_000;

/** The longest wait in milliseconds after failed requests. */
export const MAX_PANEL_BACKOFF_MS = 300_000;

/** Bytes of a panel's answer: 250,000 users of 120 bytes. */
export const MAX_PANEL_BYTES = 33_554_432;

/** Addresses of one user that are reported to a panel. */
export const MAX_PANEL_ADDRESSES = 100;

/**
 * Milliseconds between two times that unreported traffic is saved for a
 * restart.
 */
export const PANEL_SAVE_MS = 5_000;

/** Milliseconds between two checks that a plugin listens. */
export const PLUGIN_LOOK_MS = 25;

/**
 * Milliseconds until a plugin must listen, and that a connection waits for it.
 * obfs-local and v2ray-plugin take up to 31.
 */
export const PLUGIN_READY_MS = 5_000;

/**
 * Milliseconds until a plugin that has ended is started again; doubles each
 * time.
 */
export const PLUGIN_RESTART_MS = 200;

/** The longest of those waits in milliseconds. */
export const MAX_PLUGIN_RESTART_MS = 30_000;

/** Share by which those waits are randomly longer or shorter. */
export const PLUGIN_RESTART_JITTER = 0.2;

/** Milliseconds a plugin must run for the waits to start at the least again. */
export const PLUGIN_STEADY_MS = 60_000;

/** Milliseconds within which an end counts as a failure to start. */
export const PLUGIN_EARLY_MS = 1_000;

/** Such failures in a row after which the plugin's server counts as down. */
export const MAX_PLUGIN_FAILURES = 5;

/** Lines of its last output that are logged when a plugin ends. */
export const PLUGIN_LAST_LINES = 5;

/**
 * Reports or seats in one message to a fleet's source. With 1,000 in each
 * message, other calls wait 9 to 33 ms instead of 5 to 8.
 */
export const MAX_FLEET_BATCH = 50;

/** Milliseconds for one call to a fleet's source. */
export const FLEET_CALL_MS = 2_000;

/**
 * Milliseconds that a fleet's source waits for changes before it answers that
 * there are none.
 */
export const FLEET_WATCH_MS = 5_000;

/** Milliseconds between two reports of usage to a fleet's source. */
export const FLEET_TICK_MS = 1_000;

/**
 * Milliseconds between two reports of a user who is far from every limit that
 * nodes share. It saves four fifths of these calls, which are most of an
 * engine's work. Less than {@link FLEET_ACTIVE_MS}.
 */
export const FLEET_FAR_TICK_MS = 5_000;

/** Bytes left of the quota above which a user is far from it: 1 GiB. */
export const FLEET_FAR_BYTES = 1_073_741_824;

/**
 * Unreported bytes of such a user above which the usual tick applies: about
 * what 20 Mbit/s transfer in a long tick.
 */
export const FLEET_UNTOLD_BYTES = 12_500_000;

/** Milliseconds after which a call to a fleet's source counts as slow. */
export const FLEET_SLOW_MS = 300;

/**
 * Milliseconds that a first connection waits for its seat or its lease while it
 * dials. Then it is admitted, and the answer applies when it arrives.
 */
export const FLEET_ENTER_MS = 300;

/** Milliseconds until a chunk without a lease asks again. */
export const LEASE_RETRY_MS = 10;

/** Milliseconds that a lease should last at a user's rate. */
export const LEASE_LENGTH_MS = 10_000;

/** Bytes of the smallest lease that a node asks for. */
export const MIN_LEASE_BYTES = 262_144;

/** Bytes of the largest lease that a node asks for. */
export const MAX_LEASE_BYTES = 67_108_864;

/** Share of a lease below which the node asks for more at once. */
export const LEASE_LOW_WATER = 0.5;

/** Milliseconds without a byte after which a lease is given back. */
export const LEASE_IDLE_MS = 10_000;

/**
 * Milliseconds for which a fleet's source keeps the lease of a node that does
 * not report: longer than most network failures, and than a restart.
 */
export const LEASE_HOLD_MS = 600_000;

/**
 * Share of that time for which the node itself uses the lease, counted from
 * when it sent its report. No two clocks are compared.
 */
export const LEASE_USE_PART = 0.75;

/**
 * Bytes that a node relays for a user beyond its lease during one outage of the
 * fleet's source.
 */
export const OUTAGE_BYTES = 67_108_864;

/**
 * Milliseconds after its last report for which a user counts as active on a
 * node.
 */
export const FLEET_ACTIVE_MS = 10_000;

/**
 * Share of a user's rate that each node grants at least, however many nodes the
 * user is active on.
 */
export const MIN_RATE_PART = 0.1;

/** Milliseconds for which a seat is kept without a renewal. */
export const SEAT_MS = 30_000;

/** Milliseconds between two renewals of a seat. */
export const SEAT_REFRESH_MS = 10_000;

/**
 * Seconds by which the clock of a node may differ from the fleet's before the
 * operator is warned.
 */
export const FLEET_CLOCK_WARN_S = 5;

/**
 * Milliseconds that salts of served requests wait for more before they are sent
 * to other nodes. For this time, and that of the message, another node would
 * serve a copy of the request.
 */
export const SALT_TELL_MS = 200;

/**
 * Bytes of salts in one message: 4,096 salts, which a node adds in at most 7
 * ms.
 */
export const SALT_TELL_BYTES = 65_536;

/**
 * Messages with salts that are kept while the source is away: one minute at
 * 1,000 requests a second.
 */
export const MAX_SALT_BACKLOG = 16;

/** Messages with salts that are read at once. */
export const SALT_READ_BATCH = 16;

/** Milliseconds between two tries to join the fleet. */
export const FLEET_RETRY_MS = 1_000;

/** Bytes of a fleet key. */
export const FLEET_KEY_LENGTH = 32;

/**
 * Users in one message while all users of a fleet are read, on a connection that
 * no other call uses.
 */
export const FLEET_COPY_BATCH = 500;

/** Changes of users that are read from a fleet's log at once. */
export const FLEET_LOG_BATCH = 1_000;

/**
 * Tries of a change of a user, if another change of the user comes in between.
 */
export const FLEET_PUT_TRIES = 5;

/**
 * Milliseconds for which a node that starts uses its copy of a fleet's users: a
 * day, in which it does not learn of removed users.
 */
export const FLEET_COPY_MS = 86_400_000;

/** Users in a part of that copy: a part is written in some milliseconds. */
export const FLEET_COPY_PART = 100;

/** Milliseconds between two parts of that copy, in which clients are served. */
export const FLEET_COPY_PAUSE_MS = 5;

/** Milliseconds between two updates of the time stamp of that copy. */
export const FLEET_COPY_NOTE_MS = 60_000;

/** Milliseconds between two heartbeats of a node. */
export const NODE_BEAT_MS = 3_000;

/**
 * Milliseconds between two heartbeats while the node is not ready, so that
 * other nodes soon learn when it is.
 */
export const NODE_EAGER_MS = 500;

/** Milliseconds without a heartbeat after which a node is lost: three heartbeats. */
export const NODE_LOST_MS = 10_000;

/** Milliseconds after which a lost node is forgotten. */
export const NODE_FORGET_MS = 86_400_000;

/** Nodes of a fleet that are read: four times the largest planned fleet. */
export const MAX_FLEET_NODES = 4_096;

/**
 * Milliseconds between two reads of the nodes while `umbra fleet drain --wait`
 * waits: less than a heartbeat.
 */
export const DRAIN_POLL_MS = 1_000;

/**
 * Milliseconds for which the totals of a fleet's users are reused. The cost of
 * reading them grows with the number of users.
 */
export const FLEET_TOTALS_MS = 30_000;

/** Users with the highest use of their quota in the metrics of a fleet. */
export const FLEET_TOP_USERS = 100;

/** Services of one node in its heartbeat. */
export const MAX_NODE_SERVICES = 64;

/** Concurrent dials of `umbra fleet doctor`. */
export const FLEET_DOCTOR_DIALS = 32;

/** Milliseconds that `umbra fleet doctor` waits for each address. */
export const FLEET_DOCTOR_WAIT_MS = 3_000;

/** Nodes of a fleet in one answer of the operator's port. */
export const MAX_NODE_PAGE = 1_000;

/** Milliseconds for which a list of a fleet's nodes is reused. */
export const NODE_LIST_MS = 1_000;

/**
 * Milliseconds between two lists that a node reads without a request, so that
 * it knows the other nodes when the source is unreachable. The cost of a list
 * grows with the number of nodes.
 */
export const NODE_LIST_KEEP_MS = 60_000;
