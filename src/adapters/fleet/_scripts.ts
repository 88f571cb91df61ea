/**
 * The Lua scripts, which the engine runs atomically. They follow the rules of
 * `tests/support/memory_fleet.ts`. Decision 0133 describes the keys and fields.
 *
 * @module
 */
import {
  FLEET_ACTIVE_MS,
  LEASE_HOLD_MS,
  NODE_FORGET_MS,
  NODE_LOST_MS,
  SALT_POOL_MS,
  SEAT_MS,
} from "../../limits.ts";
import type { Script } from "./_engine_client.ts";
import { USER_FIELDS } from "./_user_form.ts";
import { MARK_LENGTH } from "./fleet_keys.ts";

/** Approximate number of changes that the engine keeps. */
const LOG_LENGTH = 1_000_000;

const CLOCK = `-- umbra fleet 1
local function whole(x) return string.format('%.0f', x) end

local function clock()
  local time = redis.call('TIME')
  return time[1] * 1000 + math.floor(time[2] / 1000)
end
`;

const SHARED = `${CLOCK}
-- n:NODE = incarnation, up, down, connections, lease, at, sequence, open
local function report(user, node, now, said)
  local all, field = redis.call('HGETALL', user), {}
  local leased, active, elsewhere, me = 0, 1, 0, nil
  for i = 1, #all, 2 do
    local name, value = all[i], all[i + 1]
    if string.sub(name, 1, 2) ~= 'n:' then
      field[name] = value
    else
      local n = {}
      for number in string.gmatch(value, '[^,]+') do
        n[#n + 1] = tonumber(number)
      end
      if name == 'n:' .. node then
        me = n
      else
        local age = now - n[6]
        if age <= ${LEASE_HOLD_MS} then leased = leased + n[5] end
        if age <= ${FLEET_ACTIVE_MS} then active = active + 1 end
        if age <= ${SEAT_MS} then elsewhere = elsewhere + n[8] end
      end
    end
  end
  if not field.v then return {'unknown', whole(now)} end
  local inc, seq, want = said[1], said[6], said[7]
  if me and me[1] > inc then return {'stale', whole(now)} end
  if not me or me[1] < inc then me = {inc, 0, 0, 0, 0, now, 0, 0} end
  local granted = me[2] + me[3] + me[5]
  local up, down = math.max(me[2], said[2]), math.max(me[3], said[3])
  local connections = math.max(me[4], said[4])
  local added = up - me[2] + down - me[3]
  local used = (tonumber(field.u) or 0) + added
  local quota = tonumber(field.q)
  local lease = math.max(0, granted - up - down)
  -- A report that was overtaken says nothing of leases any more.
  if seq > me[7] then
    local mine = now - me[6] <= ${LEASE_HOLD_MS} and lease or 0
    lease = 0
    if quota and want > 0 then
      local free = math.max(0, quota - used - leased)
      lease = mine + math.max(0, math.min(want, free) - mine)
    end
    me[6], me[7], me[8] = now, seq, said[5]
  end
  local set = {'n:' .. node, table.concat({
    whole(inc), whole(up), whole(down), whole(connections), whole(lease),
    whole(me[6]), whole(me[7]), whole(me[8])
  }, ',')}
  local function add(name, more)
    if more == 0 then return end
    set[#set + 1] = name
    set[#set + 1] = whole((tonumber(field[name]) or 0) + more)
  end
  add('u', added)
  add('up', up - me[2])
  add('dn', down - me[3])
  add('cn', connections - me[4])
  if added > 0 then
    set[#set + 1] = 'ls'
    set[#set + 1] = whole(now)
  end
  redis.call('HSET', user, unpack(set))
  return {
    'lease', whole(now), quota and whole(up + down + lease) or '-1',
    whole(used), whole(active), whole(elsewhere)
  }
end

local function seat(user, seats, mark, node, now)
  local found = redis.call('HMGET', user, 'v', 'h')
  if not found[1] then return 0 end
  local most = tonumber(found[2])
  if not most then return 1 end
  redis.call('ZREMRANGEBYSCORE', seats, '-inf', whole(now))
  local marks, count = {}, 0
  for _, member in ipairs(redis.call('ZRANGE', seats, 0, -1)) do
    local other = string.sub(member, 1, ${MARK_LENGTH})
    if not marks[other] then
      marks[other] = true
      count = count + 1
    end
  end
  if not marks[mark] and count >= most then return 0 end
  redis.call('ZADD', seats, whole(now + ${SEAT_MS}), mark .. ':' .. node)
  redis.call('PEXPIRE', seats, ${2 * SEAT_MS})
  return 1
end

local function said(from)
  local numbers = {}
  for i = from, from + 6 do numbers[#numbers + 1] = tonumber(ARGV[i]) end
  return numbers
end
`;

/**
 * Keys: user. Arguments: node, incarnation, up, down, connections, open,
 * sequence, want.
 */
export const REPORT: Script = {
  keys: 1,
  text: `${SHARED}
return report(KEYS[1], ARGV[1], clock(), said(2))
`,
};

/**
 * Keys: user, seats. Arguments: node, mark, then those of a report after its
 * node.
 */
export const ENTER: Script = {
  keys: 2,
  text: `${SHARED}
local now = clock()
return {
  seat(KEYS[1], KEYS[2], ARGV[2], ARGV[1], now),
  report(KEYS[1], ARGV[1], now, said(3))
}
`,
};

/** Keys: user, seats. Arguments: node, mark. */
export const KEEP: Script = {
  keys: 2,
  text: `${SHARED}
return seat(KEYS[1], KEYS[2], ARGV[2], ARGV[1], clock())
`,
};

/**
 * Keys: those of users. Returns the fields of each that a node reads, as one
 * value: a list of lists costs a node three times as much. Each field is its
 * length, a colon and its bytes; a colon alone is a missing one.
 */
export const COPY: Script = {
  keys: "all",
  text: `-- umbra fleet 1
local parts = {}
for _, user in ipairs(KEYS) do
  for _, value in ipairs(redis.call('HMGET', user, ${
    USER_FIELDS.map((field) => `'${field}'`).join(", ")
  })) do
    parts[#parts + 1] = value and #value .. ':' .. value or ':'
  end
end
return table.concat(parts)
`,
};

/**
 * Keys: user, index, log. Arguments: id, known version, then fields with their
 * values. Returns the stored version if it differs from the known one.
 */
export const PUT: Script = {
  keys: 3,
  text: `-- umbra fleet 1
local version = tonumber(redis.call('HGET', KEYS[1], 'v') or '0')
if version ~= tonumber(ARGV[2]) then return version end
local fields = {'v', version + 1}
for i = 3, #ARGV do fields[#fields + 1] = ARGV[i] end
redis.call('HDEL', KEYS[1], 'k', 'q', 'b', 'c', 'h', 'e', 'd')
redis.call('HSET', KEYS[1], unpack(fields))
redis.call('SADD', KEYS[2], ARGV[1])
redis.call('XADD', KEYS[3], 'MAXLEN', '~', ${LOG_LENGTH}, '*',
  't', 'user', 'id', ARGV[1], unpack(fields))
return -1
`,
};

/**
 * Keys: user, seats, index, log. Arguments: id. Returns 1 if the user existed.
 */
export const REMOVE: Script = {
  keys: 4,
  text: `-- umbra fleet 1
local found = redis.call('DEL', KEYS[1])
redis.call('DEL', KEYS[2])
redis.call('SREM', KEYS[3], ARGV[1])
if found == 1 then
  redis.call('XADD', KEYS[4], 'MAXLEN', '~', ${LOG_LENGTH}, '*',
    't', 'gone', 'id', ARGV[1])
end
return found
`,
};

/** Keys: user, log. Arguments: id. Returns 1 if the user exists. */
export const RESET: Script = {
  keys: 2,
  text: `-- umbra fleet 1
if redis.call('HEXISTS', KEYS[1], 'v') == 0 then return 0 end
redis.call('HINCRBY', KEYS[1], 'p', 1)
redis.call('HSET', KEYS[1], 'u', 0)
redis.call('XADD', KEYS[2], 'MAXLEN', '~', ${LOG_LENGTH}, '*',
  't', 'period', 'id', ARGV[1])
return 1
`,
};

/**
 * Keys: meta, log. Arguments: fleet id, check value. Returns 1 if the fleet is
 * new.
 */
export const FOUND: Script = {
  keys: 2,
  text: `-- umbra fleet 1
if redis.call('EXISTS', KEYS[1]) == 1 then return 0 end
redis.call('HSET', KEYS[1], 'form', 1, 'id', ARGV[1], 'check', ARGV[2])
redis.call('XADD', KEYS[2], '*', 't', 'begin', 'id', ARGV[1])
return 1
`,
};

/**
 * Keys: user. Arguments: bytes up, bytes down. Raises the counts to at least
 * these.
 */
export const RAISE: Script = {
  keys: 1,
  text: `-- umbra fleet 1
if redis.call('HEXISTS', KEYS[1], 'v') == 0 then return 0 end
local function raise(name, least)
  local value = tonumber(redis.call('HGET', KEYS[1], name) or '0')
  if value < least then
    redis.call('HSET', KEYS[1], name, string.format('%.0f', least))
  end
end
local up, down = tonumber(ARGV[1]), tonumber(ARGV[2])
raise('u', up + down)
raise('up', up)
raise('dn', down)
return 1
`,
};

/**
 * Keys: node, times, drained. Arguments: name, incarnation, then fields with
 * their values. Returns 1 if the node is drained.
 */
export const BEAT: Script = {
  keys: 3,
  text: `${CLOCK}
local last = tonumber(redis.call('HGET', KEYS[1], 'inc') or '0')
if last <= tonumber(ARGV[2]) then
  local now = clock()
  local fields = {'inc', ARGV[2], 'at', whole(now)}
  for i = 3, #ARGV do fields[#fields + 1] = ARGV[i] end
  redis.call('HSET', KEYS[1], unpack(fields))
  redis.call('PEXPIRE', KEYS[1], ${NODE_FORGET_MS})
  redis.call('ZADD', KEYS[2], whole(now), ARGV[1])
  redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', whole(now - ${NODE_FORGET_MS}))
end
return redis.call('HEXISTS', KEYS[3], ARGV[1])
`,
};

/** Keys: node, times. Arguments: name, incarnation. */
export const LEAVE: Script = {
  keys: 2,
  text: `-- umbra fleet 1
if redis.call('HGET', KEYS[1], 'inc') ~= ARGV[2] then return 0 end
redis.call('DEL', KEYS[1])
redis.call('ZREM', KEYS[2], ARGV[1])
return 1
`,
};

/**
 * Keys: node, drained. Arguments: name, 1 to drain or 0 to restore. Returns 1
 * if the node exists.
 */
export const DRAIN: Script = {
  keys: 2,
  text: `${CLOCK}
local isThere = redis.call('EXISTS', KEYS[1])
if ARGV[2] == '0' then
  return math.max(isThere, redis.call('HDEL', KEYS[2], ARGV[1]))
end
if isThere == 1 then redis.call('HSETNX', KEYS[2], ARGV[1], whole(clock())) end
return isThere
`,
};

/**
 * Keys: node, times, drained, incarnations. Arguments: name. Removes a node
 * without a fresh heartbeat. Returns the incarnation that its next process
 * exceeds; -1 if there is no such node, -2 if its heartbeat is fresh.
 */
export const STRIKE: Script = {
  keys: 4,
  text: `${CLOCK}
local at = tonumber(redis.call('HGET', KEYS[1], 'at'))
if at and clock() - at <= ${NODE_LOST_MS} then return -2 end
if not at and redis.call('HEXISTS', KEYS[4], ARGV[1]) == 0 then return -1 end
redis.call('DEL', KEYS[1])
redis.call('ZREM', KEYS[2], ARGV[1])
redis.call('HDEL', KEYS[3], ARGV[1])
return redis.call('HINCRBY', KEYS[4], ARGV[1], 1)
`,
};

/**
 * Keys: user, seats. Arguments: node, incarnation. Gives back the lease and the
 * seats of a removed node. What stays of it refuses the reports of its earlier
 * processes, whose totals are counted already. Returns 1 if there was a lease,
 * a seat or a total.
 */
export const WRITE_OFF: Script = {
  keys: 2,
  text: `-- umbra fleet 1
local found, suffix = 0, ':' .. ARGV[1]
for _, member in ipairs(redis.call('ZRANGE', KEYS[2], 0, -1)) do
  if string.sub(member, ${MARK_LENGTH} + 1) == suffix then
    redis.call('ZREM', KEYS[2], member)
    found = 1
  end
end
local field = 'n:' .. ARGV[1]
local me = redis.call('HGET', KEYS[1], field)
local last = me and tonumber(string.match(me, '^[^,]+'))
if last and last < tonumber(ARGV[2]) then
  redis.call('HSET', KEYS[1], field, ARGV[2] .. ',0,0,0,0,0,0,0')
  found = 1
end
return found
`,
};

/**
 * Keys: meta. Arguments: check value of the present key, that of the next key,
 * sealed key of marks. Returns 1 if the first one was the present key.
 */
export const SWITCH_KEY: Script = {
  keys: 1,
  text: `-- umbra fleet 1
if redis.call('HGET', KEYS[1], 'check') ~= ARGV[1] then return 0 end
redis.call('HSET', KEYS[1], 'check', ARGV[2], 'old', ARGV[1], 'm', ARGV[3])
return 1
`,
};

/**
 * Keys: user. Arguments: version, sealed password. Returns 1 if the user had
 * this version.
 */
export const RESEAL: Script = {
  keys: 1,
  text: `-- umbra fleet 1
if redis.call('HGET', KEYS[1], 'v') ~= ARGV[1] then return 0 end
redis.call('HSET', KEYS[1], 'k', ARGV[2])
return 1
`,
};

/**
 * Keys: salts. Arguments: node, salts of one message. Old messages are removed.
 */
export const TELL: Script = {
  keys: 1,
  text: `-- umbra fleet 1
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
redis.call('XADD', KEYS[1],
  'MINID', '~', string.format('%.0f', now - ${SALT_POOL_MS}), '*',
  'n', ARGV[1], 's', ARGV[2])
redis.call('PEXPIRE', KEYS[1], ${2 * SALT_POOL_MS})
`,
};
