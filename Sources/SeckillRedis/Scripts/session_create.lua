-- Keeps a session.
--
-- KEYS  1 the session
-- ARGV  1 user, 2 lifetime in ms
-- Returns when it ends, in ms since 1970.

local time = redis.call('TIME')
local ends = time[1] * 1000 + math.floor(time[2] / 1000) + ARGV[2]
redis.call('SET', KEYS[1], string.format('%.0f %s', ends, ARGV[1]), 'PX', ARGV[2])
return ends
