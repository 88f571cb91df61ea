/**
 * Every bound and every default wait of the core, and most of what is around
 * it: each with its unit and, unless it is a mere round number, its reason.
 *
 * @module
 */

/** Payload bytes in one chunk: 14 bits. AEAD spec, "TCP". */
export const MAX_CHUNK_PAYLOAD = 0x3fff;

/** Payload bytes in one chunk of the 2022 edition: 16 bits. SIP022 §3.1.2. */
export const MAX_CHUNK_PAYLOAD_2022 = 0xffff;

/** Bytes of padding in a request at most. SIP022 §3.1.3. */
export const MAX_PADDING_LENGTH = 900;

/** Seconds a time stamp may differ from our clock, both ways. SIP022 §3.1.3. */
export const MAX_TIMESTAMP_SKEW_S = 30;

/**
 * Milliseconds a salt of the 2022 edition is remembered at least: a time
 * stamp that was ahead by the whole skew is of now for twice the skew, and
 * nearly a second more since stamps are whole seconds. SIP022 §3.1.4 has 60 s.
 */
export const SALT_POOL_MS: number = (2 * MAX_TIMESTAMP_SKEW_S + 1) * 1_000;

/**
 * Milliseconds by which the wall clock and the monotonic one drift apart in a
 * millisecond without a step: time services slew by 500 ppm at most.
 */
export const CLOCK_SLEW = 0.0005;

/**
 * Salts in one of the two generations of a replay filter; about 100 bytes
 * each. The 2022 edition fills one at 4,300 requests a second, more than a
 * process serves.
 */
export const SALT_GENERATION = 262_144;

/** Bytes of a salt that are looked at; what a shorter IV lacks is zero. */
export const SALT_MARK_LENGTH = 16;

/**
 * IVs in one of the two generations that a server of a stream cipher remembers
 * of its streams, and of its packets; 50 bytes each. A thousand packets a second
 * fill one in a minute.
 */
export const IV_GENERATION = 65_536;

/**
 * Milliseconds between two tries to get a port that another process has: no
 * event says that it is free.
 */
export const TAKE_OVER_RETRY_MS = 100;

/**
 * Milliseconds at its rate that a user may send at once after a pause: about
 * one full read at 20 Mbit/s.
 */
export const RATE_BURST_MS = 100;

/** Client addresses that a status has of a user: those that came last. */
export const MAX_LISTED_HOSTS = 16;

/**
 * Users on one port of AEAD 2017: a stranger costs a key derivation for each.
 */
export const MAX_TRIAL_USERS = 256;

/**
 * Bytes of one UDP packet of AEAD 2017, over all keys tried on it: 2,048 for
 * each of {@link MAX_TRIAL_USERS}, and 8 keys for the largest. Beyond it only
 * who was heard of from that address, with less, is served.
 */
export const MAX_TRIAL_BYTES = 524_288;

/**
 * Keys of users of Shadowsocks 2022 that stay bound to their method, at least:
 * of those who connected last, one kilobyte each; twice as many at most.
 */
export const MAX_BOUND_KEYS = 1_024;

/**
 * Client addresses whose user is remembered, to try that key first; a forgotten
 * one costs its next connection a trial of all keys, no more.
 */
export const MAX_REMEMBERED_CLIENTS = 4_096;

/**
 * Packet ids behind the highest one that may still come: WireGuard's and
 * shadowsocks-rust's number.
 */
export const PACKET_WINDOW = 8_128;

/**
 * UDP sessions of the 2022 edition a server remembers: those in use, and those
 * of the last {@link SALT_POOL_MS}. 500 new ones a second reach it; 1.1 KB each,
 * and 1 KB more where a session was long.
 */
export const MAX_PACKET_SESSIONS = 32_768;

/**
 * Part of those sessions that one user may have, or one client network where
 * users have no names: four must agree to fill it. 134 new ones a second.
 */
export const PACKET_SESSION_SHARE = 0.25;

/**
 * Sessions of a server in whose packets one client session is answered: one,
 * and the one from before a restart. SIP022 §3.2.
 */
export const MAX_SERVER_SESSIONS = 2;

/**
 * Bytes of a salt that stay random beside a prefix: with 2^32 streams under one
 * key, the chance that two salts are the same is a half.
 */
export const MIN_RANDOM_SALT_BYTES = 8;

/** Random bytes of a salt below which the operator is warned: GCM's 96 bits. */
export const FEW_RANDOM_SALT_BYTES = 12;

/** Bytes of an AEAD tag, the same for every method. */
export const TAG_LENGTH = 16;

/**
 * Blocks of 64 bytes in one direction of a ChaCha20 or Salsa20 stream: a
 * counter of 32 bits, less the last one, which noble does not compute. 256 GiB.
 */
export const MAX_ARX_BLOCKS = 0xffff_ffff;

/** Bytes of the longest SOCKS5 message: RFC 1929 user name and password. */
export const MAX_SOCKS_MESSAGE_LENGTH: number = 1 + 1 + 255 + 1 + 255;

/** Bytes of USERID and of HOST in a SOCKS4 request; the protocol has no bound. */
export const MAX_SOCKS4_FIELD_LENGTH = 255;

/**
 * Bytes of an HTTP request line or status line without CRLF. RFC 9112 §3 wants
 * 8,000 at least; Apache and nginx stop at about 8,192.
 */
export const MAX_HTTP_LINE_LENGTH = 16_384;

/**
 * Bytes of an HTTP head, or of a trailer section, all lines together: four of
 * the longest.
 */
export const MAX_HTTP_HEAD_LENGTH = 65_536;

/**
 * Milliseconds that a failed relay waits for its last bytes to be taken: they
 * fit into any system's buffer but a full one.
 */
export const BREAK_OFF_MS = 1_000;

/** Payload bytes of a WebSocket control frame. RFC 6455 §5.5. */
export const MAX_CONTROL_PAYLOAD = 125;

/**
 * Bytes of a WebSocket message of a stream: four of the longest reads. Nothing
 * is held for them, but a message without an end is no message.
 */
export const MAX_WEBSOCKET_MESSAGE = 1_048_576;

/** Bytes of a WebSocket message that is a packet: the largest UDP over IPv4. */
export const MAX_WEBSOCKET_PACKET = 65_507;

/**
 * Milliseconds for the Close frame of the peer once ours is sent and nothing
 * else is wanted of the connection.
 */
export const WEBSOCKET_CLOSE_MS = 10_000;

/**
 * Milliseconds of quiet before we end a stream to v2ray-plugin, which knows no
 * half-close: what its own client waits.
 */
export const V2RAY_CLOSE_DELAY_MS = 5_000;

/**
 * Bytes of packets that may wait to be written to a WebSocket; what comes then
 * is dropped, as a full socket of UDP drops it.
 */
export const MAX_WEBSOCKET_PENDING = 524_288;

/** Fields of an HTTP head; Apache stops at 100. */
export const MAX_HTTP_FIELDS = 128;

/** Fields of a response: a browser takes as many as the head has room for. */
export const MAX_HTTP_RESPONSE_FIELDS = 1_024;

/**
 * Bytes of the line before an HTTP chunk: a size of 12 digits, and extensions,
 * which are dropped.
 */
export const MAX_HTTP_CHUNK_LINE_LENGTH = 1_024;

/**
 * Bytes of a request body that is read and forgotten so that a refused client
 * can try again on the same connection; a new one is cheaper than more.
 */
export const MAX_HTTP_REFUSED_BODY = 65_536;

/**
 * Milliseconds from accept until a client of `ss-server` must have sent a
 * valid request, and until a connection that failed to is closed. One number
 * for both, or the difference would tell a probe that it failed. Outline
 * uses 59 s, the time-out of many web servers.
 */
export const SERVER_HANDSHAKE_TIMEOUT_MS = 60_000;

/**
 * Share by which the wait above is lengthened at random, so that it is no
 * constant to recognise us by.
 */
export const SERVER_HANDSHAKE_JITTER = 0.5;

/**
 * Milliseconds an application has to finish its SOCKS handshake, to complete
 * the head of an HTTP request it has begun, or to take an answer.
 */
export const LOCAL_HANDSHAKE_TIMEOUT_MS = 30_000;

/**
 * Milliseconds `ss-server` waits for the peer of a SOCKS5 BIND; FTP, for which
 * it was made, connects within seconds.
 */
export const BIND_ACCEPT_TIMEOUT_MS = 60_000;

/**
 * Milliseconds to resolve a name and connect to one of its addresses: TCP tries
 * four times, at 0, 1, 3 and 7 s (RFC 6298 §2).
 */
export const CONNECT_TIMEOUT_MS = 10_000;

/** Milliseconds of silence after which a local doubts a server it never heard. */
export const SILENCE_HINT_MS = 10_000;

/**
 * Milliseconds between questions to a peer that does not answer them, at most.
 * The system's 75,000 make 11 minutes of nine questions.
 */
export const KEEP_ALIVE_QUESTION_MS = 15_000;

/** Milliseconds between connection attempts. RFC 8305 §5 recommends 250. */
export const ATTEMPT_DELAY_MS = 250;

/**
 * Milliseconds after which a server that was sent something, and has said
 * nothing on any connection since, is suspected: three round trips of a slow
 * satellite link.
 */
export const SERVER_SILENCE_MS = 2_000;

/** Silent connections that make a server suspect where nothing may probe it. */
export const SILENT_CONNECTIONS = 5;

/** Silent targets that do so: one that is slow is the target's own affair. */
export const SILENT_TARGETS = 3;

/**
 * Milliseconds for which a target whose silence was not the server's raises no
 * suspicion by itself.
 */
export const SLOW_TARGET_MS = 60_000;

/** Targets that are remembered so; the oldest makes room. */
export const MAX_SLOW_TARGETS = 64;

/** Milliseconds of the half-life of measured times. */
export const SERVER_TIME_HALF_LIFE_MS = 30_000;

/** Tries of a server from which the failure rate is computed. */
export const SERVER_OUTCOMES = 20;

/** Milliseconds until a server that is down is tried again; doubles. */
export const SERVER_RETRY_MS = 5_000;

/** The longest of those waits, in milliseconds. */
export const MAX_SERVER_RETRY_MS = 300_000;

/** Share by which those waits are longer or shorter at random. */
export const SERVER_RETRY_JITTER = 0.2;

/** Milliseconds between two probes of one server because of a suspicion. */
export const SUSPICION_INTERVAL_MS = 5_000;

/** Milliseconds that such a probe may take at least. */
export const MIN_SUSPICION_MS = 1_000;

/** Times what is usual that such a probe may take. */
export const SUSPICION_FACTOR = 4;

/** Milliseconds a connect may take before the next server is dialled beside. */
export const MIN_RACE_DELAY_MS = 300;

/**
 * The longest delay of a race, which holds where nothing is known of the
 * server.
 */
export const MAX_RACE_DELAY_MS = 2_000;

/** Times what is usual that a connect may take before that. */
export const RACE_FACTOR = 2;

/** Milliseconds between two probes of a server that works; ± 30 %. */
export const PROBE_INTERVAL_MS = 60_000;

/** Share by which that interval is longer or shorter at random. */
export const PROBE_JITTER = 0.3;

/** Milliseconds a probe may take, as in shadowsocks-rust. */
export const PROBE_TIMEOUT_MS = 5_000;

/** Probes under way at once, of all servers of a group. */
export const MAX_PROBES = 8;

/** Milliseconds by which a server must be faster than the one in use. */
export const LATENCY_TOLERANCE_MS = 50;

/** Milliseconds the greatest tolerance has. */
export const MAX_LATENCY_TOLERANCE_MS = 10_000;

/** Share of the time of the one in use by which it must be faster too. */
export const LATENCY_GAIN = 0.2;

/** Milliseconds between two comparisons; a change takes two. */
export const LATENCY_INTERVAL_MS = 10_000;

/** Milliseconds a server stays in use at least, while it works. */
export const MIN_DWELL_MS = 30_000;

/** Datagrams without any answer that make a server suspect for UDP. */
export const SILENT_DATAGRAMS = 8;

/** Flows that those must come from: one may lead to a target that is gone. */
export const SILENT_FLOWS = 2;

/** Milliseconds that must lie between the first of them and the last. */
export const UDP_SILENCE_MS = 3_000;

/**
 * Milliseconds until one flow tries such a server again; doubles up to
 * {@link MAX_SERVER_RETRY_MS}. A flow that tries in vain costs its application
 * {@link UDP_FLOW_GRACE_MS}.
 */
export const UDP_RETRY_MS = 60_000;

/**
 * Milliseconds after which the flows of such a server end, so that their
 * applications begin others elsewhere.
 */
export const UDP_FLOW_GRACE_MS = 30_000;

/** Addresses of one name that are tried; a name server may list hundreds. */
export const MAX_DIAL_ADDRESSES = 8;

/**
 * Milliseconds without a byte in either direction; `-t` sets it. RFC 5382 §5
 * wants two hours of a NAT, but we hold two sockets.
 */
export const IDLE_TIMEOUT_MS = 300_000;

/**
 * Sockets at once that answer redirected datagrams, one for each target. A
 * page asks a few dozen targets over UDP; each socket is a descriptor.
 */
export const MAX_REPLY_SOCKETS = 512;

/** Milliseconds without an answer until such a socket is closed. */
export const REPLY_SOCKET_IDLE_MS = 60_000;

/**
 * Milliseconds a connection by TCP fast open waits for bytes to take along,
 * when something is read from it meanwhile: longer than `FIRST_PAYLOAD_WAIT_MS`
 * of the end before, so that only a peer that speaks first pays it.
 */
export const FAST_OPEN_WAIT_MS = 60;

/**
 * Milliseconds `ss-local` waits for an application's first bytes, so that they
 * leave in one segment with salt and address. libev waits 50, Outline 10; a
 * protocol in which the server speaks first pays it once.
 */
export const FIRST_PAYLOAD_WAIT_MS = 50;

/** Milliseconds a program of the system may take that reads or sets one value. */
export const TOOL_TIMEOUT_MS = 5_000;

/** Bytes of what it prints; the longest is a list of hosts. */
export const MAX_TOOL_OUTPUT = 65_536;

/** Milliseconds in which a proxy of this machine would take a connection. */
export const PROXY_ANSWER_MS = 500;

/**
 * Milliseconds a local waits for what a client says first, where that may name
 * the target; a protocol in which the server speaks first pays it once.
 */
export const SNIFF_WAIT_MS = 300;

/**
 * Bytes in which a name is looked for: a ClientHello with a post-quantum key
 * share has about 1,800, and servers of HTTP take heads of 8 KiB.
 */
export const MAX_SNIFFED_BYTES = 8_192;

/**
 * Milliseconds a refused application gets to take its reply and hang up.
 * RFC 1928 §6 allows 10 s.
 */
export const REFUSAL_LINGER_MS = 2_000;

/** Connections open at once, where the system's limit allows as many. */
export const MAX_CONNECTIONS = 16_384;

/**
 * When the limit was reached, accepting goes on once this part of it is open:
 * a server at its limit must not stop and start with every connection.
 */
export const RESUME_ACCEPT_SHARE = 0.98;

/**
 * Part of the connections of a server that may be of clients that have not
 * authenticated, while descriptors are short. Otherwise they may have all: the
 * oldest of them leaves for the next connection.
 */
export const STRANGERS_SHARE = 0.5;

/**
 * Milliseconds a connection may take to authenticate however many want its
 * place: a local waits 50 for its application, and packets need their time.
 * With 1,024 descriptors a server has a place for 2,700 strangers a second;
 * those beyond wait with the system, or are reset by Bun.
 */
export const MIN_STRANGER_MS = 150;

/**
 * Descriptors below which a program does not start: 24 connections, or 17 and
 * 16 UDP flows.
 */
export const MIN_DESCRIPTORS = 128;

/**
 * Milliseconds without a new event after which a shortage or a crowd is over:
 * until then it is logged once, and what it took to survive it stays in force.
 */
export const CALM_MS = 60_000;

/**
 * Part of the connections that may stay open when descriptors run out: what
 * that frees is for others, and for dials of those that stay.
 */
export const SHORTAGE_SHARE = 0.75;

/**
 * Descriptors kept for listeners, files, name look-ups, the runtime, the
 * operator's port (`MAX_ADMIN_CONNECTIONS`) and that of invitations.
 */
export const RESERVED_DESCRIPTORS = 64;

/**
 * Connections a runtime that cannot stop accepting (Bun) may hold back until
 * the service takes them; more are reset.
 */
export const MAX_UNACCEPTED = 128;

/** Part of all descriptors those may use at most: one in so many. */
export const UNACCEPTED_SHARE = 8;

/** Descriptors one relayed connection needs: client and target. */
export const DESCRIPTORS_PER_CONNECTION = 2;

/**
 * Milliseconds before accepting again after accept failed; doubles. Once more
 * at once would be a busy loop: the connection that failed is still there.
 */
export const ACCEPT_BACKOFF_MS = 50;

/** Longest of those waits, in milliseconds: new clients wait as long. */
export const MAX_ACCEPT_BACKOFF_MS = 1_000;

/**
 * Milliseconds without a failure after which accepting has recovered: two of
 * the longest waits.
 */
export const ACCEPT_RECOVERED_MS = 2_000;

/**
 * Milliseconds open connections get to finish when a service stops; systemd
 * kills after 90 s, Docker after 10.
 */
export const GRACE_MS = 5_000;

/** Milliseconds between two looks of the dashboard and of `umbra top`. */
export const STATUS_INTERVAL_MS = 1_000;

/** Milliseconds of history the dashboard and `umbra top` keep, in memory. */
export const HISTORY_MS = 600_000;

/** Minutes that a program remembers of itself: a day, some 200 KiB. */
export const DAY_HISTORY_MINUTES = 1_440;

/** Servers that can be added to a running local: more than anybody pastes. */
export const MAX_ADDED_SERVERS = 64;

/** Requests to a local that are remembered, with their targets: one screen. */
export const MAX_RECENT_REQUESTS = 100;

/** Milliseconds without a look after which a plot shows a hole. */
export const HISTORY_GAP_MS = 5_000;

/** Milliseconds an answer of the operator's port may take. */
export const STATUS_TIMEOUT_MS = 5_000;

/** Bytes of a status: ten thousand users of a kilobyte, and some. */
export const MAX_STATUS_LENGTH = 16_777_216;

/**
 * Bytes of buffers kept for reuse, for reads and writes together: what some sixty
 * busy connections have in use. With 4 MiB, 64 connections on Deno cost half as
 * much processor time again.
 */
export const MAX_POOLED_BYTES = 16_777_216;

/** Bytes of the reads of all busy connections together, half of what is pooled. */
export const MAX_BUSY_READ_BYTES = 8_388_608;

/**
 * Bytes that may wait to be written, over all connections, before reads become
 * as short as {@link CROWDED_READ_BUFFER}: 16 of the longest.
 */
export const MAX_WAITING_BYTES = 4_194_304;

/**
 * Bytes of one read of a busy connection at most, while many bytes wait: a
 * receiver that does not read holds up one read, and a partial chunk.
 */
export const CROWDED_READ_BUFFER = 16_384;

/**
 * Bytes of a chunk that Bun hands over from which on we read ourselves: what
 * comes in less is left to Bun.
 */
export const LONG_READ = 16_384;

/** Bytes of the first read of a connection. */
export const MIN_READ_BUFFER = 4_096;

/**
 * Bytes of one read while a connection is quiet: thousands that say nothing
 * hold a buffer each.
 */
export const QUIET_READ_BUFFER = 1_024;

/** Buffers for first reads that are kept for the next connections: 256 KiB. */
export const MAX_FIRST_BUFFERS = 64;

/** Bytes of one read at most; reached ×4 at a time while reads come back full. */
export const MAX_READ_BUFFER = 262_144;

/**
 * Bytes that sockets of our own may read in one turn of the event loop before
 * timers, new connections and the runtime's sockets have theirs.
 */
export const MAX_TURN_BYTES = 262_144;

/**
 * The cost of an accepted connection in these bytes: 64 are accepted in a turn.
 */
export const ACCEPT_TURN_BYTES = 4_096;

/** Bytes of a read that are copied out; more of them keep the whole buffer. */
export const MAX_COPIED_READ = 32_768;

/** Connections the kernel keeps until we accept them, if the system allows it. */
export const LISTEN_BACKLOG = 1_024;

/**
 * Milliseconds that sockets of our own may take to prove themselves at start:
 * they take 10, and a machine that is busy takes its time.
 */
export const SELF_TEST_MS = 3_000;

/** Milliseconds until the event loop looks again that could not go to sleep. */
export const BELL_RETRY_MS = 5;

/**
 * Bytes of a piece of memory that short-lived arrays are cut from: some forty
 * datagrams of 1,500 bytes. One that waits keeps the whole piece.
 */
export const PIECE_BYTES = 65_536;

/** Bytes of the longest of these arrays; a longer one has its own memory. */
export const MAX_CUT_BYTES = 4_096;

/**
 * Addresses of senders that a thread keeps as text; then it forgets all: one
 * for each of {@link MAX_UDP_FLOWS}.
 */
export const MAX_KNOWN_ADDRESSES = 1_024;

/** Reads of unread data until a connection is closed: 4 MiB. */
export const MAX_DISCARDS = 16;

/** Datagrams that one call of the system receives or sends. */
export const DATAGRAM_BATCH = 64;

/**
 * Datagrams that a socket may take in one turn: half of what it may queue, so
 * that none is dropped that has a reader.
 */
export const MAX_TURN_DATAGRAMS = 256;

/** Bytes of datagrams that one call of the system sends. */
export const SEND_BATCH_BYTES = 262_144;

/**
 * Bytes of the receive buffer that a UDP socket asks for: 1,800 datagrams of
 * 1,200 bytes with the kernel's overhead, 180 ms of 10,000 a second. A bound: what
 * does not wait takes no memory.
 */
export const UDP_RECEIVE_BUFFER = 2_097_152;

/** Bytes of the largest UDP payload: 65,535 less IPv6's 8-byte UDP header. */
export const MAX_DATAGRAM_LENGTH = 65_527;

/**
 * Datagrams that may wait in a socket for `receive()`: some 5 ms of a gigabit
 * of full ones.
 */
export const MAX_QUEUED_DATAGRAMS = 512;

/** Bytes of those datagrams, whichever bound is reached first. */
export const MAX_QUEUED_DATAGRAM_BYTES = 524_288;

/**
 * Milliseconds without a datagram in either direction until a UDP flow ends;
 * `--udp-timeout` sets it. RFC 4787 §4.3 wants 2 minutes or more.
 */
export const UDP_TIMEOUT_MS = 300_000;

/**
 * UDP flows open at once, where the descriptors allow as many; the one that
 * was quiet for longest makes room. libev has 512. A socket costs Deno 72 KB.
 */
export const MAX_UDP_FLOWS = 1_024;

/**
 * Share of the descriptors that UDP flows may take; the rest is TCP's, whose
 * connections cannot make room for each other.
 */
export const UDP_DESCRIPTOR_SHARE = 0.25;

/**
 * Datagrams of one flow that may wait in each direction, for its socket, a name
 * or the system; a name that is slow to resolve holds up so many.
 */
export const MAX_PENDING_PER_FLOW = 64;

/**
 * Datagrams of all flows of a service that may wait so: 32 MiB at the worst.
 */
export const MAX_PENDING_DATAGRAMS = 512;

/** Names whose addresses are remembered: one for each of {@link MAX_UDP_FLOWS}. */
export const MAX_CACHED_NAMES = 1_024;

/**
 * Names that may be looked up at once for datagrams; those of connections are
 * not among them.
 */
export const MAX_LOOKUPS = 64;

/**
 * Milliseconds until the addresses of a name in use are looked up again, while
 * those that are known serve: the system's resolver gives no TTL.
 */
export const NAME_REFRESH_MS = 2_000;

/**
 * Milliseconds the addresses of a name are used without a new look-up. With one
 * that takes a second, a name that moves is followed within 5 s.
 */
export const NAME_TTL_MS = 4_000;

/**
 * Milliseconds the addresses of a name are used when it cannot be looked up: a
 * resolver that is gone for a moment ends no flow.
 */
export const NAME_STALE_MS = 30_000;

/** Milliseconds a failed look-up is not tried again: every datagram would. */
export const NAME_FAILURE_TTL_MS = 2_000;

/** Answers the DNS inbound keeps: 4 MiB of the largest. */
export const MAX_CACHED_ANSWERS = 1_024;

/** Bytes of a query and its answer worth keeping; more is fetched again. */
export const MAX_CACHED_ANSWER_LENGTH = 4_096;

/** Seconds an answer is kept at most, whatever its TTL. RFC 8767 §4. */
export const MAX_ANSWER_TTL_S = 86_400;

/** Addresses that are read of one DNS answer; real ones have a dozen. */
export const MAX_ANSWER_ADDRESSES = 64;

/**
 * Seconds that an address holds which was made up for a name: programs ask
 * again, and the name keeps it.
 */
export const FAKE_IP_TTL_S = 1;

/** Names that have made-up addresses: half of the usual range, 12 MiB. */
export const MAX_FAKE_NAMES = 65_536;

/** Milliseconds between two times the made-up addresses are kept on disk. */
export const FAKE_IP_SAVE_MS = 60_000;

/** Addresses whose names are remembered: 1.5 MiB of them. */
export const MAX_REVERSE_NAMES = 8_192;

/**
 * Seconds that the name of an address is remembered beyond its TTL: programs
 * connect a while after they have asked.
 */
export const REVERSE_NAME_GRACE_S = 60;

/** Bytes of a DNS message over TCP: what its length can say. */
export const MAX_DNS_MESSAGE_LENGTH = 65_535;

/** Connections to one resolver that are kept for the next query. */
export const MAX_IDLE_DNS_TALKS = 4;

/** Bytes of a DNS query; real ones have a few dozen. */
export const MAX_DNS_QUERY_LENGTH = 4_096;

/**
 * Bytes of a DNS answer over UDP, whatever a client says it takes: 65,535 less
 * the headers of IPv4 and UDP.
 */
export const MAX_DNS_UDP_LENGTH = 65_507;

/** DNS queries that wait for an answer over UDP: 256 new ones a second. */
export const MAX_PENDING_QUERIES = 512;

/**
 * Connections to the DNS inbound, and queries under way over TCP, each of which
 * is a connection to the server.
 */
export const MAX_DNS_CONNECTIONS = 64;

/**
 * Milliseconds until a DNS query without an answer over UDP is asked over TCP,
 * of a server that can be reached. Programs wait 5 seconds.
 */
export const DNS_UDP_TIMEOUT_MS = 2_000;

/** Milliseconds to connect to a server for DNS, before the next one's turn. */
export const DNS_CONNECT_TIMEOUT_MS = 2_000;

/**
 * Milliseconds for one DNS query over TCP, between two of a client, and for a
 * client to take an answer.
 */
export const DNS_TCP_TIMEOUT_MS = 10_000;

/** Bytes of the body of a request to the operator's port. */
export const MAX_ADMIN_BODY_LENGTH = 65_536;

/** Bytes of the head of such a request. */
export const MAX_ADMIN_HEAD_LENGTH = 16_384;

/**
 * Connections to the operator's port at once; a new one takes the place of the
 * one that has waited longest for its client. A browser opens six. They are
 * among `RESERVED_DESCRIPTORS`.
 */
export const MAX_ADMIN_CONNECTIONS = 32;

/**
 * Connections to the port of invitations at once, in the same way: a page is one
 * request. They are among `RESERVED_DESCRIPTORS`, too.
 */
export const MAX_INVITE_CONNECTIONS = 16;

/** Part of the descriptors they may take where there are few. */
export const ADMIN_DESCRIPTOR_SHARE = 0.125;

/** Milliseconds for the head of a request to the operator's port. */
export const ADMIN_HEAD_TIMEOUT_MS = 10_000;

/**
 * Milliseconds for the whole request, and without a byte moving while it is
 * answered.
 */
export const ADMIN_REQUEST_TIMEOUT_MS = 30_000;

/**
 * Milliseconds an idle connection to the operator's port is kept: many times
 * what the dashboard is silent.
 */
export const ADMIN_KEEP_ALIVE_MS = 15_000;

/**
 * Wrong tokens of one address in a window that are logged; further ones are
 * answered with 429. The right token passes all the same. Also the wrong secret
 * paths of one user from one address, after which none is judged.
 */
export const MAX_WRONG_TOKENS = 10;

/**
 * Milliseconds after which wrong tokens are forgotten: ten log lines a minute.
 */
export const WRONG_TOKEN_WINDOW_MS = 60_000;

/**
 * Addresses whose wrong tokens are counted, and addresses with users whose wrong
 * paths are; the oldest makes room.
 */
export const MAX_WRONG_TOKEN_PEERS = 1_024;

/** Hours until an app asks for its subscription again: a new key arrives the same day. */
export const PROFILE_UPDATE_HOURS = 12;

/** Milliseconds until the files of a certificate are looked at again. */
export const CERTIFICATE_LOOK_MS = 60_000;

/** Characters of the name of a user. */
export const MAX_USER_NAME_LENGTH = 64;

/**
 * Milliseconds after a change of users until the store is copied: a copy writes
 * every user once more.
 */
export const STORE_COPY_MS = 15_000;

/** Milliseconds after a change of counts alone until the store is copied. */
export const STORE_COUNTS_COPY_MS = 600_000;

/** Bytes of one datagram of the manager protocol, request or reply. */
export const MAX_MANAGER_DATAGRAM_LENGTH = 32_767;

/**
 * MiB per second of one core below which a cipher is called slow: Deno's own AES
 * does 170, Bun's some 900, and 480 when others keep the processor busy;
 * libcrypto does 2,000 and more.
 */
export const SLOW_CRYPTO_MIB = 300;

/** Threads of `--workers`: as many as large machines have cores. */
export const MAX_WORKERS = 256;

/** Milliseconds to fetch a published list of servers, as shadowsocks-rust has. */
export const ONLINE_TIMEOUT_MS = 30_000;

/** Bytes of such a list, after decompression: some thousand servers. */
export const MAX_ONLINE_BYTES = 1_048_576;

/** Uses of all anchors together in a list that is YAML: a provider has a few. */
export const MAX_YAML_ALIASES = 100;

/**
 * Characters of such a YAML: a key has some hundred, and to read a megabyte of
 * brackets holds everything else up for ten seconds.
 */
export const MAX_YAML_LENGTH = 65_536;

/** Redirections that are followed to such a list; RFC 9110 §15.4 has no number. */
export const MAX_ONLINE_REDIRECTS = 5;

/**
 * Milliseconds between two looks at such a list; `--refresh` sets it. An hour,
 * as in shadowsocks-rust.
 */
export const ONLINE_REFRESH_MS = 3_600_000;

/** Milliseconds until the next look at such a list while its host is silent. */
export const ONLINE_RETRY_MS = 60_000;

/** Milliseconds between two looks at whether there is time for a rest. */
export const REST_CHECK_MS = 5_000;

/** A process rests when it has used less than this of a processor. */
export const REST_LOAD = 0.02;

/** Milliseconds of processor time that leave enough behind to be given back. */
export const REST_WORTH_MS = 500;

/** The share of processor time that a rest may cost of the work before it. */
export const REST_COST_SHARE = 0.1;

/** A process whose memory has grown by this factor rests as well. */
export const REST_GROWTH = 1.2;

/**
 * Connections that have ended since the last rest, of those it found open, after
 * which a process rests as well: what they held is garbage, and to end them costs
 * too little to be worth a rest. One rest costs as much as 64 new connections.
 */
export const REST_ENDED = 64;

/** Milliseconds between two looks at whether memory has grown. */
export const GROWTH_CHECK_MS = 200;

/** Bytes of growth after which garbage is looked for. */
export const GROWTH_BYTES = 4_194_304;

/** Bytes of a name of a host: what a SOCKS request holds. */
export const MAX_NAME_LENGTH = 255;

/**
 * Slots that are tried for a name in a table of rules: a table that is half
 * full needs a few dozen, names that are made to collide need more.
 */
export const MAX_NAME_PROBES = 256;

/** Names, addresses and patterns in one list of rules; the largest in use have a third. */
export const MAX_LIST_ENTRIES = 1_000_000;

/** Rules in one list, each with entries of its own; real ones have a handful. */
export const MAX_LIST_RULES = 10_000;

/** Bytes of a list of rules, after decompression. */
export const MAX_LIST_BYTES = 67_108_864;

/** Characters of a line in a list: a pattern, and as much of a comment. */
export const MAX_LIST_LINE_LENGTH = 4_096;

/** Rules inside rules. */
export const MAX_RULE_DEPTH = 16;

/** Parts of all names together in a binary list: 8 for each entry. */
export const MAX_TRIE_LABELS = 8_388_608;

/** Reasons, and places of each, that are reported of entries without effect. */
export const MAX_LIST_NOTES = 16;

/** Characters of one regular expression in a list. */
export const MAX_PATTERN_LENGTH = 1_024;

/** Groups inside groups of a regular expression. */
export const MAX_PATTERN_DEPTH = 32;

/** Times that a regular expression may ask for a part: no name is longer. */
export const MAX_PATTERN_REPEAT = 255;

/**
 * States of all regular expressions of a list: 10,000 of the usual length. A
 * name costs at most one look at each of them for each of its characters.
 */
export const MAX_PATTERN_STATES = 131_072;

/** Parts of one regular expression once its repetitions are written out. */
export const MAX_PATTERN_WORK = 16_384;

/**
 * Combinations of states that are remembered for a list, of 80 bytes and
 * upwards. A real list of 192 patterns needs some hundred, 5,000 patterns some
 * ten thousand.
 */
export const MAX_PATTERN_CACHE_STATES = 16_384;

/** States in all those combinations together, of 4 bytes. */
export const MAX_PATTERN_CACHE_THREADS = 262_144;

/**
 * Milliseconds to resolve a name that a rule compares by its addresses; after
 * that none of them holds.
 */
export const ROUTE_LOOKUP_TIMEOUT_MS = 2_000;

/** Rules in a PAC file that a browser reads for each request. */
export const MAX_SMALL_PAC_RULES = 2_000;

/** Bytes of rules in a PAC file: browsers take about a megabyte. */
export const MAX_PAC_BYTES = 900_000;

/** Milliseconds to fetch a list of rules. */
export const LIST_TIMEOUT_MS = 30_000;

/** Bytes of a list of rules as it is fetched. */
export const MAX_FETCHED_LIST_BYTES = 16_777_216;

/** Milliseconds between two looks at a list of rules; `update_interval`. */
export const LIST_REFRESH_MS = 86_400_000;

/** Milliseconds until the next look at a list of rules that cannot be had. */
export const LIST_RETRY_MS = 60_000;

/**
 * Bytes of payload that a handshake holds back: the first payload, and one
 * read that was under way.
 */
export const MAX_HELD_BYTES: number = 2 * MAX_READ_BUFFER;

/**
 * Bytes of a write between two layers for which memory is kept, twice for each
 * thread: one read with what layers add to it. More is allocated each time.
 */
export const MAX_LAYER_SCRATCH: number = MAX_READ_BUFFER + 65_536;

/**
 * Seconds a time stamp of ShadowsocksR may differ from our clock, both ways:
 * what the originals allow.
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
 * Bytes of a TCP segment, which the padding of ShadowsocksR aims at: Ethernet's
 * 1,500 less IPv4 and TCP headers.
 */
export const SSR_SEGMENT = 1_460;

/** Bytes that a client may say its layers add to a packet; they add 9. */
export const MAX_SSR_OVERHEAD = 64;

/** Bytes of the HTTP head that ShadowsocksR hides behind; the originals' bound. */
export const MAX_SSR_HTTP_HEAD = 65_536;

/** Bytes of a record of the TLS handshake that ShadowsocksR imitates. */
export const MAX_SSR_TLS_RECORD = 2_048;

/**
 * Clients of ShadowsocksR whose connection ids are remembered: one for each
 * start of each client in two days. 200 bytes each, 1.2 KB for a busy one.
 */
export const MAX_SSR_CLIENTS = 16_384;

/**
 * Part of those clients that one user may have, or one IPv4 address or IPv6 /64
 * where users have no names: four must agree to fill it.
 */
export const SSR_CLIENT_SHARE = 0.25;

/**
 * Connection ids before the first one seen that are still new: connections that
 * were opened together arrive in any order. The originals' number.
 */
export const SSR_EARLIER_CONNECTIONS = 64;

/**
 * Characters of the log that wait for its reader at most: a thousand lines or
 * two. More are lost and counted.
 */
export const MAX_UNWRITTEN_LOG = 262_144;

/** Milliseconds a program waits at its end for its log to be written. */
export const LOG_FLUSH_MS = 500;

/** Milliseconds a wait must have to be one of many that share a timer. */
export const MIN_WHEEL_MS = 1_000;

/** Milliseconds by which such a wait may be longer: a tenth at the most. */
export const WHEEL_TICK_MS = 100;

/** Milliseconds of the longest timer of either runtime: 31 bits. */
export const MAX_TIMER_MS = 2_147_483_647;

/**
 * Cipher contexts of each direction that are kept for the next connections; half
 * a kilobyte each.
 */
export const MAX_FREE_CONTEXTS = 256;

/** Users that a status lists unless more are asked for. */
export const FIRST_USERS = 100;

/** The most that it lists: some 250 KB of JSON, once a second. */
export const MAX_USER_PAGE = 1_000;

/**
 * Milliseconds over which the rate of a user is measured, at least: looks of
 * several viewers come closer together than that.
 */
export const MIN_RATE_MS = 900;

/** Bytes of the longest header of PROXY protocol 1, its CR LF included. */
export const MAX_PROXY_LINE = 107;

/**
 * Bytes behind the first 16 of a header of PROXY protocol 2: addresses, and
 * what clouds and certificates add.
 */
export const MAX_PROXY_BODY = 2_048;

/** Milliseconds for a proxy to name its client. */
export const PROXY_HEADER_TIMEOUT_MS = 5_000;

/** Sessions of UDP whose client a proxy has named; the quietest makes room. */
export const MAX_PROXIED_SESSIONS = 16_384;

/** Characters of one line of a plugin's output; more of it is cut off. */
export const MAX_PROGRAM_LINE = 500;

/** Milliseconds from SIGTERM to SIGKILL of a program that does not end. */
export const PROGRAM_END_MS = 3_000;

/** Milliseconds for the last output of a program that has ended. */
export const PROGRAM_OUTPUT_MS = 100;

/**
 * Milliseconds in which a program must be gone that was ended: SIGKILL has had
 * two seconds then.
 */
export const PROGRAM_GONE_MS = 5_000;

/** Milliseconds between two looks at a panel, unless it says something else. */
export const DEFAULT_PANEL_MS = 60_000;

/** The shortest and the longest that a panel may say: seconds, and an hour. */
export const MIN_PANEL_MS = 5_000;

/** See {@link MIN_PANEL_MS}. */
export const MAX_PANEL_MS = 3_600_000;

/** Part by which these waits are longer or shorter, at random. */
export const PANEL_JITTER = 0.1;

/** Milliseconds that one question to a panel may take, with its answer. */
export const PANEL_CALL_MS = 30_000;

/** Milliseconds of the last report to a panel, when the program ends. */
export const PANEL_LAST_MS = 3_000;

/** The longest wait, in milliseconds, after questions that were in vain. */
export const MAX_PANEL_BACKOFF_MS = 300_000;

/** Bytes of an answer of a panel: 250,000 users of 120 bytes. */
export const MAX_PANEL_BYTES = 33_554_432;

/** Addresses of one user that a panel gets. */
export const MAX_PANEL_ADDRESSES = 100;

/** Milliseconds between two times that traffic is kept for a restart. */
export const PANEL_SAVE_MS = 5_000;

/** Milliseconds between two looks whether a plugin listens. */
export const PLUGIN_LOOK_MS = 25;

/**
 * Milliseconds in which a plugin must listen, and that a connection waits for
 * it: obfs-local and v2ray-plugin take up to 31.
 */
export const PLUGIN_READY_MS = 5_000;

/** Milliseconds before a plugin that has ended is started again, at first. */
export const PLUGIN_RESTART_MS = 200;

/** The most of these, after each end twice as many as before. */
export const MAX_PLUGIN_RESTART_MS = 30_000;

/** Part by which that wait is longer or shorter, at random. */
export const PLUGIN_RESTART_JITTER = 0.2;

/** Milliseconds after which the waits of a plugin begin at the least again. */
export const PLUGIN_STEADY_MS = 60_000;

/** Milliseconds in which an end means that a plugin cannot run at all. */
export const PLUGIN_EARLY_MS = 1_000;

/** Such ends in a row after which its server counts as down. */
export const MAX_PLUGIN_FAILURES = 5;

/** Lines of its output that are logged when a plugin ends. */
export const PLUGIN_LAST_LINES = 5;

/**
 * Reports or seats in one message to a fleet's source: with 1,000 in a row what
 * else is asked meanwhile waits 9 to 33 ms instead of 5 to 8.
 */
export const MAX_FLEET_BATCH = 50;

/** Milliseconds that one call to a fleet's source may take. */
export const FLEET_CALL_MS = 2_000;

/** Milliseconds that a fleet's source waits for changes before it says none. */
export const FLEET_WATCH_MS = 5_000;

/** Milliseconds from moved bytes to their report. */
export const FLEET_TICK_MS = 1_000;

/**
 * Milliseconds between two reports of a user who is far from every bound that
 * nodes keep together: a fifth of the calls, which are most of what an engine
 * does. Less than {@link FLEET_ACTIVE_MS}.
 */
export const FLEET_FAR_TICK_MS = 5_000;

/** Bytes left of its quota above which a user is far from it: 1 GiB. */
export const FLEET_FAR_BYTES = 1_073_741_824;

/**
 * Bytes that a node may not have reported of such a user before the usual tick
 * does: what 20 Mbit/s move in a long one.
 */
export const FLEET_UNTOLD_BYTES = 12_500_000;

/** Milliseconds after which a call to a fleet's source counts as slow. */
export const FLEET_SLOW_MS = 300;

/**
 * Milliseconds that a first connection waits for its seat or its lease, beside
 * the dial; then it is admitted, and the answer holds when it comes.
 */
export const FLEET_ENTER_MS = 300;

/** Milliseconds before a chunk that found no lease asks again. */
export const LEASE_RETRY_MS = 10;

/** Milliseconds at a user's rate that a lease is to last. */
export const LEASE_LENGTH_MS = 10_000;

/** Bytes of the smallest lease that is asked for. */
export const MIN_LEASE_BYTES = 262_144;

/** Bytes of the largest lease that is asked for. */
export const MAX_LEASE_BYTES = 67_108_864;

/** Part of a lease below which more is asked for at once. */
export const LEASE_LOW_WATER = 0.5;

/** Milliseconds without a byte after which a lease is given back. */
export const LEASE_IDLE_MS = 10_000;

/**
 * Milliseconds for which a fleet's source keeps a lease for a node that it does
 * not hear of: longer than most partitions, and than a restart.
 */
export const LEASE_HOLD_MS = 600_000;

/**
 * Part of that time for which the node itself uses the lease, from when it sent
 * its report: no two clocks are compared.
 */
export const LEASE_USE_PART = 0.75;

/**
 * Bytes that a node lets a user pass beyond its lease during one outage of the
 * fleet's source.
 */
export const OUTAGE_BYTES = 67_108_864;

/** Milliseconds after its last report in which a user is active on a node. */
export const FLEET_ACTIVE_MS = 10_000;

/** Part of a user's rate that a node gives at least, however many there are. */
export const MIN_RATE_PART = 0.1;

/** Milliseconds for which a seat holds that was not heard of. */
export const SEAT_MS = 30_000;

/** Milliseconds between two times that a node says a user is still there. */
export const SEAT_REFRESH_MS = 10_000;

/**
 * Seconds by which the clock of a node may differ from that of the fleet before
 * the operator is warned.
 */
export const FLEET_CLOCK_WARN_S = 5;

/**
 * Milliseconds that salts of served requests wait for more of them before other
 * nodes are told: for so long, and as long as the message takes, another node
 * serves a copy.
 */
export const SALT_TELL_MS = 200;

/** Bytes of salts in one message, of 4,096 of them: no node looks longer than 7 ms. */
export const SALT_TELL_BYTES = 65_536;

/**
 * Messages with salts that wait while the source is away: a minute of 1,000
 * requests a second.
 */
export const MAX_SALT_BACKLOG = 16;

/** Messages with salts that are read at once. */
export const SALT_READ_BATCH = 16;

/** Milliseconds between two tries to take part in the fleet again. */
export const FLEET_RETRY_MS = 1_000;

/** Bytes of a fleet key. */
export const FLEET_KEY_LENGTH = 32;

/**
 * Commands in one message while every user of a fleet is read, on a connection
 * where nothing else waits.
 */
export const FLEET_COPY_BATCH = 500;

/** Changes of users that are read from a fleet's log at once. */
export const FLEET_LOG_BATCH = 1_000;

/**
 * Times that a change of a user is tried again when somebody else has changed
 * the user meanwhile.
 */
export const FLEET_PUT_TRIES = 5;

/**
 * Milliseconds for which a node that starts trusts its copy of a fleet's users:
 * a day in which no user can be removed from it.
 */
export const FLEET_COPY_MS = 86_400_000;

/** Milliseconds between two notes of how old that copy is. */
export const FLEET_COPY_NOTE_MS = 60_000;
