-- One purchase in one step: session, rate limit and reservation.
--
-- Runs behind session_use.lua, admit.lua and reserve.lua, made the local functions use, admit and reserve, which take KEYS
-- and ARGV.
--
-- KEYS  1 to 3 as reserve.lua, 4 the session, 5 as 1 of admit.lua; without it there is no limit
-- ARGV  1 to 5 as reserve.lua, 6 requests, 7 period in µs
-- Returns 'nobody 0'; 'refused' and why, if session or limit cannot be read; else a word, a number and the session: 'other'
-- if it is not the session of the user, 'wait' and the µs, or what reserve.lua returns.

local session, rate = KEYS[4], KEYS[5]
local held = redis.pcall('GET', session)
if type(held) == 'table' then
    if not string.find(held.err, '^%-?WRONGTYPE') then return 'refused ' .. held.err end
    -- It was not written here, and would fail its user for ever.
    redis.call('UNLINK', session)
    held = false
end
if not held then return 'nobody 0' end
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
-- Once for each session: for all other purchases this is a look at four bytes.
if string.sub(held, 1, 4) == 'new ' then held = use({session}, {held, now}) end
local ends, user = string.match(held, '^(%d+) (.*)$')
if not ends or #ends > 15 or ends * 1000 <= now then return 'nobody 0' end
if user ~= ARGV[3] then return 'other 0 ' .. held end

if rate then
    local wait = admit({rate}, {ARGV[6], ARGV[7], now})
    -- What is wrong with a caller's log is no fault of the sale: not raised, or the sale would be closed for it.
    if type(wait) == 'table' then return 'refused ' .. wait.err end
    if wait > 0 then return string.format('wait %d ', wait) .. held end
end

ARGV[6] = now
local decided = reserve(KEYS, ARGV)
return type(decided) == 'table' and decided or decided .. ' ' .. held
