-- Lets a session last until a lifetime from now, or as long as it would anyway.
--
-- KEYS  1 the session
-- ARGV  1 lifetime in ms
-- Returns the session, as its end in ms since 1970, a space and the user; nothing if it is over.

local held = redis.call('GET', KEYS[1])
if not held then return false end
local time = redis.call('TIME')
local ends = time[1] * 1000 + math.floor(time[2] / 1000) + ARGV[1]
local present, user = string.match(held, '^(%d+) (.*)$')
if ends <= tonumber(present) then return held end
held = string.format('%.0f %s', ends, user)
redis.call('SET', KEYS[1], held, 'PX', ARGV[1])
return held
