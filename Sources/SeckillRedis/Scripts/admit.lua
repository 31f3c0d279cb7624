-- Counts one request now, if fewer than the rate allows have been counted in the period that ends now.
--
-- KEYS  1 the times of the last requests counted, newest first, in µs, 16 digits each: read and written whole, which is
--         cheaper than a list as long as there are few
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
local times = redis.pcall('GET', KEYS[1]) or ''
local isReadable = type(times) == 'string' and #times % 16 == 0 and not string.find(times, '%D')
if type(times) == 'table' and not string.find(times.err, '^%-?WRONGTYPE') then return times end
local lifetime = string.format('%d', math.ceil(period / 1000))
local newest = isReadable and tonumber(string.sub(times, 1, 16))
local oldest = isReadable and tonumber(string.sub(times, 16 * count - 15, 16 * count))
if not isReadable or newest and newest > now or oldest and oldest > now then
    -- The clock has gone back, or somebody has been at the key. When requests came is not known: now is the latest it can
    -- have been, and as many as the rate allows the most that can have been counted.
    local held = isReadable and #times / 16 or count
    times = string.rep(string.format('%016d', now), held)
    oldest = held >= count and now
    redis.call('SET', KEYS[1], times, 'PX', lifetime)
end
if oldest and now - oldest < period then return oldest + period - now end
times = string.format('%016d', now) .. string.sub(times, 1, 16 * count - 16)
redis.call('SET', KEYS[1], times, 'PX', lifetime)
return 0
