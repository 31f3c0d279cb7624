-- Counts one request now, if fewer than the rate allows have been counted in the period that ends now.
--
-- KEYS  1 the times of the last requests counted, newest first, in µs
-- ARGV  1 requests, 2 period in µs, 3 the time in µs, if it is known
-- Returns 0 if it was counted, else the µs until one would be.
--
-- Numbers are handed on as text: Redis writes those of Lua with 17 digits, which costs it more than the command.

local count, period = tonumber(ARGV[1]), tonumber(ARGV[2])
local now = ARGV[3]
if not now then
    local time = redis.call('TIME')
    now = time[1] * 1000000 + time[2]
end
local newest = redis.call('LINDEX', KEYS[1], '0')
if newest and tonumber(newest) > now then
    -- The clock has gone back. When they came is no longer known; now is the latest it can have been.
    local times = redis.call('LLEN', KEYS[1])
    redis.call('DEL', KEYS[1])
    for _ = 1, times do redis.call('LPUSH', KEYS[1], now) end
    redis.call('PEXPIRE', KEYS[1], math.ceil(period / 1000))
end
local oldest = newest and redis.call('LINDEX', KEYS[1], count - 1)
if oldest and now - oldest < period then return oldest + period - now end
if redis.call('LPUSH', KEYS[1], string.format('%d', now)) > count then redis.call('LTRIM', KEYS[1], '0', count - 1) end
redis.call('PEXPIRE', KEYS[1], string.format('%d', math.ceil(period / 1000)))
return 0
