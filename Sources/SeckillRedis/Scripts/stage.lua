-- Writes some users of a stock that is about to be installed, if the claim is alive.
--
-- KEYS  1 the sale's claim, 2 the stock that is being prepared
-- ARGV  1 token, 2 lifetime in ms of what is prepared, 3 live orders of users, as lines of user and count by turns
-- Returns 1, or 0 if the claim is over.

if redis.call('TYPE', KEYS[1]).ok ~= 'string' or redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
local fields = {}
for user, count in string.gmatch(ARGV[3], '([^\n]*)\n(%d+)\n') do
    fields[#fields + 1] = 'u:' .. user
    fields[#fields + 1] = count
    if #fields == 1000 then
        redis.call('HSET', KEYS[2], unpack(fields))
        fields = {}
    end
end
if #fields > 0 then redis.call('HSET', KEYS[2], unpack(fields)) end
redis.call('PEXPIRE', KEYS[2], ARGV[2])
return 1
