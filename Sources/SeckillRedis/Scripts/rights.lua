-- Tries every command of the other scripts and stores on keys of its own, to find those that this user may not run.
--
-- KEYS  1 a hash, 2 another, 3 a string, 4 a set, 5 a stream, 6 a sorted set
-- ARGV  1 a channel
-- Returns the names of the commands.

local missing = {}
local function try(name, ...)
    local reply = redis.pcall(name, ...)
    local text = type(reply) == 'table' and reply.err or ''
    if string.find(text, "executing the script can't", 1, true) or string.find(text, 'NOPERM', 1, true) then
        missing[#missing + 1] = name
    end
end

redis.pcall('DEL', KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5], KEYS[6])
try('TIME')
try('TYPE', KEYS[1])
try('HSET', KEYS[1], 'a', '1')
try('HMGET', KEYS[1], 'a')
try('HGET', KEYS[1], 'a')
try('HGETALL', KEYS[1])
try('HLEN', KEYS[1])
try('HSCAN', KEYS[1], '0')
try('HDEL', KEYS[1], 'b')
try('RENAME', KEYS[1], KEYS[2])
try('PEXPIRE', KEYS[2], '1000')
try('PTTL', KEYS[2])
try('PERSIST', KEYS[2])
try('SET', KEYS[3], 'a', 'PX', '1000')
try('GET', KEYS[3])
try('SADD', KEYS[4], 'a')
try('SRANDMEMBER', KEYS[4], '1')
try('SSCAN', KEYS[4], '0')
try('SREM', KEYS[4], 'a')
try('EXISTS', KEYS[1])
try('ZADD', KEYS[6], '1', 'a')
try('ZCARD', KEYS[6])
try('ZRANGE', KEYS[6], '0', '0')
try('ZRANGEBYSCORE', KEYS[6], '-inf', 'inf')
try('ZREM', KEYS[6], 'a')
try('XGROUP', 'CREATE', KEYS[5], 'workers', '0', 'MKSTREAM')
try('XADD', KEYS[5], '1-1', 'a', '1')
try('XLEN', KEYS[5])
try('XRANGE', KEYS[5], '-', '+')
try('XREADGROUP', 'GROUP', 'workers', 'a', 'STREAMS', KEYS[5], '>')
try('XPENDING', KEYS[5], 'workers')
try('XCLAIM', KEYS[5], 'workers', 'a', '0', '1-1')
try('XINFO', 'GROUPS', KEYS[5])
try('XACK', KEYS[5], 'workers', '1-1')
try('XDEL', KEYS[5], '1-1')
try('PUBLISH', ARGV[1], '')
try('PUBSUB', 'NUMSUB', ARGV[1])
try('DEL', KEYS[3])
try('UNLINK', KEYS[2], KEYS[4], KEYS[5])
return missing
