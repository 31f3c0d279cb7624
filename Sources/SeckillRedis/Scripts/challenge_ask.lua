-- Adds an open question to those of a session, in the place of the oldest if there are too many.
--
-- KEYS  1 the questions: a hash from ids to 'end tries solution', the end in ms since 1970
-- ARGV  1 id, 2 tries, 3 solution, 4 lifetime in ms, 5 how many may be open
-- Returns 1.

local kind = redis.call('TYPE', KEYS[1]).ok
if kind ~= 'hash' and kind ~= 'none' then redis.call('UNLINK', KEYS[1]) end
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local held = redis.call('HGETALL', KEYS[1])
local open, latest = {}, now + ARGV[4]
for index = 1, #held, 2 do
    local ends = tonumber(string.match(held[index + 1], '^(%d+) ') or 0)
    -- One that ends too late was not written here, and would keep its place for ever.
    if ends > now and ends <= now + 86400000 + ARGV[4] then
        open[#open + 1] = {ends, held[index]}
        latest = math.max(latest, ends)
    else
        redis.call('HDEL', KEYS[1], held[index])
    end
end
table.sort(open, function(a, b) return a[1] < b[1] or a[1] == b[1] and a[2] < b[2] end)
for index = 1, #open + 1 - ARGV[5] do redis.call('HDEL', KEYS[1], open[index][2]) end
redis.call('HSET', KEYS[1], ARGV[1], string.format('%.0f %s %s', now + ARGV[4], ARGV[2], ARGV[3]))
redis.call('PEXPIRE', KEYS[1], string.format('%.0f', latest - now))
return 1
