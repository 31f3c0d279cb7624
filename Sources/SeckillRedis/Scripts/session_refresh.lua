-- Lets a session last until a lifetime from now, or as long as it would anyway.
--
-- KEYS  1 the session, 2 all sessions, as 3 of session_create.lua
-- ARGV  1 lifetime in ms, 2 digest, 3 what the keys of users' sessions begin with
-- Returns the session, as its end in ms since 1970, a space and the user; nothing if it is over or none.

if redis.call('TYPE', KEYS[1]).ok ~= 'string' then
    -- It was not written here, and would fail its user for ever.
    redis.call('UNLINK', KEYS[1])
    return false
end
local held = redis.call('GET', KEYS[1])
if string.sub(held, 1, 4) == 'new ' then held = string.sub(held, 5) end
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local present, user = string.match(held, '^(%d+) (.+)$')
if not present or #present > 15 or tonumber(present) <= now then return false end
local ends = now + ARGV[1]
if ends <= tonumber(present) then return held end
held = string.format('%.0f %s', ends, user)
redis.call('SET', KEYS[1], held, 'PX', ARGV[1])
redis.pcall('ZADD', KEYS[2], 'XX', string.format('%.0f', 4e15 + time[1] * 1000000 + time[2]), ARGV[2])
for _, key in ipairs({KEYS[2], ARGV[3] .. user}) do
    if redis.call('PTTL', key) < tonumber(ARGV[1]) then redis.call('PEXPIRE', key, ARGV[1]) end
end
return held
