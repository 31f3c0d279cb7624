-- Ends a session.
--
-- KEYS  1 the session, 2 all sessions, as 3 of session_create.lua
-- ARGV  1 digest
-- Returns how many there were.

redis.pcall('ZREM', KEYS[2], ARGV[1])
return redis.call('UNLINK', KEYS[1])
