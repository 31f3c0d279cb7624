-- One purchase in one step: session, rate limit and reservation.
--
-- Runs behind admit.lua and reserve.lua, each made a local function of its name that takes KEYS and ARGV.
--
-- KEYS  1 and 2 as reserve.lua, 3 the session, 4 as 1 of admit.lua; without it there is no limit
-- ARGV  1 to 5 as reserve.lua, 6 requests, 7 period in µs
-- Returns 'nobody 0'; 'refused' and why, if session or limit cannot be read; else a word, a number and the session: 'other'
-- if it is not the session of the user, 'wait' and the µs, or what reserve.lua returns.

local held = redis.pcall('GET', KEYS[3])
if type(held) == 'table' then return 'refused ' .. held.err end
if not held then return 'nobody 0' end
if string.match(held, '^%d+ (.*)$') ~= ARGV[3] then return 'other 0 ' .. held end

local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
if KEYS[4] then
    -- What is wrong with a caller's log is no fault of the sale: not raised, or the sale would be closed for it.
    local decided, wait = pcall(admit, {KEYS[4]}, {ARGV[6], ARGV[7], now})
    if not decided then return 'refused ' .. (type(wait) == 'table' and wait.err or wait) end
    if wait > 0 then return string.format('wait %d ', wait) .. held end
end

ARGV[6] = now
return reserve(KEYS, ARGV) .. ' ' .. held
