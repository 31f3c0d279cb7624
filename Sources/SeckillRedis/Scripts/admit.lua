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
local times = redis.call('GET', KEYS[1]) or ''
if #times % 16 ~= 0 or string.find(times, '%D') then error(KEYS[1] .. ' holds no times') end
local lifetime = string.format('%d', math.ceil(period / 1000))
local newest = tonumber(string.sub(times, 1, 16))
if newest and newest > now then
    -- The clock has gone back. When they came is no longer known; now is the latest it can have been.
    times = string.rep(string.format('%016d', now), #times / 16)
    redis.call('SET', KEYS[1], times, 'PX', lifetime)
end
local oldest = tonumber(string.sub(times, 16 * count - 15, 16 * count))
if oldest and now - oldest < period then return oldest + period - now end
times = string.format('%016d', now) .. string.sub(times, 1, 16 * count - 16)
redis.call('SET', KEYS[1], times, 'PX', lifetime)
return 0
