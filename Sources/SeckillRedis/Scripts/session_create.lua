-- Keeps a session, in the place of another if its user has too many, or if there are too many in all.
--
-- KEYS  1 the session, 2 the user's sessions: their digests, 40 bytes each, the oldest first; 3 all sessions: a sorted set of
--         their digests, by when they were created in µs, or, once they are used, by when that or the last refresh was, and
--         4e15 more
-- ARGV  1 user, 2 lifetime in ms, 3 digest, 4 how many the user may have, 5 how many there may be, 6 what the keys of sessions
--         begin with
-- Returns when it ends, in ms since 1970.

local function unlinkUnless(kind, key)
    local found = redis.call('TYPE', key).ok
    if found ~= kind and found ~= 'none' then redis.call('UNLINK', key) end
end

local function forget(digest)
    redis.call('UNLINK', ARGV[6] .. digest)
    redis.call('ZREM', KEYS[3], digest)
end

unlinkUnless('string', KEYS[2])
unlinkUnless('zset', KEYS[3])

-- What is over leaves the set little by little: the first of the unused and of the used.
for _, range in ipairs({{'-inf', '(4e15'}, {'4e15', 'inf'}}) do
    local digests = redis.call('ZRANGEBYSCORE', KEYS[3], range[1], range[2], 'LIMIT', 0, 2)
    for _, digest in ipairs(digests) do
        if redis.call('EXISTS', ARGV[6] .. digest) == 0 then redis.call('ZREM', KEYS[3], digest) end
    end
end

local own = {}
for digest in string.gmatch(redis.call('GET', KEYS[2]) or '', string.rep('[%w_-]', 40)) do
    if redis.call('EXISTS', ARGV[6] .. digest) == 1 then own[#own + 1] = digest end
end
while #own >= tonumber(ARGV[4]) do forget(table.remove(own, 1)) end

-- More than one only where the limit was lowered: a few at a time.
for _ = 1, 10 do
    if redis.call('ZCARD', KEYS[3]) < tonumber(ARGV[5]) then break end
    forget(redis.call('ZRANGE', KEYS[3], 0, 0)[1])
end

local time = redis.call('TIME')
local ends = time[1] * 1000 + math.floor(time[2] / 1000) + ARGV[2]
redis.call('SET', KEYS[1], string.format('new %.0f %s', ends, ARGV[1]), 'PX', ARGV[2])
own[#own + 1] = ARGV[3]
local left = math.max(redis.call('PTTL', KEYS[2]), ARGV[2])
redis.call('SET', KEYS[2], table.concat(own), 'PX', string.format('%.0f', left))
redis.call('ZADD', KEYS[3], string.format('%.0f', time[1] * 1000000 + time[2]), ARGV[3])
left = math.max(redis.call('PTTL', KEYS[3]), ARGV[2])
redis.call('PEXPIRE', KEYS[3], string.format('%.0f', left))
return ends
