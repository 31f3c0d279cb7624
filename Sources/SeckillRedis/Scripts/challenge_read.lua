-- A question that is open.
--
-- KEYS  1 the questions of a session
-- ARGV  1 id
-- Returns the question, as 'end tries solution'; nothing if it is over or none.

if redis.call('TYPE', KEYS[1]).ok ~= 'hash' then return false end
local question = redis.call('HGET', KEYS[1], ARGV[1])
local ends = question and string.match(question, '^(%d+) ')
if not ends then return false end
local time = redis.call('TIME')
if tonumber(ends) <= time[1] * 1000 + math.floor(time[2] / 1000) then
    redis.call('HDEL', KEYS[1], ARGV[1])
    return false
end
return question
