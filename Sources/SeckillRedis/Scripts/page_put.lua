-- Keeps a page, in the place of any other.
--
-- KEYS  1 the page
-- ARGV  1 body, 2 media type, 3 validator, 4 ms for which it is fresh, 5 ms for which it is then stale
-- Returns 1 if it is kept, 0 if its time is over at once.

redis.call('UNLINK', KEYS[1])
local fresh, lifetime = tonumber(ARGV[4]), ARGV[4] + ARGV[5]
if lifetime <= 0 then return 0 end
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
redis.call('HSET', KEYS[1], 'body', ARGV[1], 'type', ARGV[2], 'etag', ARGV[3], 'stale', now + fresh)
redis.call('PEXPIRE', KEYS[1], lifetime)
return 1
