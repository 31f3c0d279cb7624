-- A session that is not over. The first look marks it as used.
--
-- Runs behind session_use.lua, made a local function of its name.
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
local now = time[1] * 1000000 + time[2]
if string.sub(held, 1, 4) == 'new ' then held = use(KEYS, {held, now}) end
local ends = string.match(held, '^(%d+) .')
if not ends or #ends > 15 or ends * 1000 <= now then return false end
return held
