-- A session that is not over.
--
-- KEYS  1 the session
-- Returns the session, as its end in ms since 1970, a space and the user; nothing if it is over or none.

if redis.call('TYPE', KEYS[1]).ok ~= 'string' then
    -- It was not written here, and would fail its user for ever.
    redis.call('UNLINK', KEYS[1])
    return false
end
local held = redis.call('GET', KEYS[1])
local time = redis.call('TIME')
local ends = string.match(held, '^(%d+) .')
if not ends or #ends > 15 or ends * 1000 <= time[1] * 1000000 + time[2] then return false end
return held
