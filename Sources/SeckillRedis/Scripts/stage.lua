-- Writes some users of a stock that is about to be installed, if the claim is alive.
--
-- KEYS  1 the sale's claim, 2 the stock that is being prepared
-- ARGV  1 token, 2 lifetime in ms of what is prepared, 3... field and live orders of each user, one after the other
-- Returns 1, or 0 if the claim is over.

if redis.call('TYPE', KEYS[1]).ok ~= 'string' or redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
redis.call('HSET', KEYS[2], unpack(ARGV, 3))
redis.call('PEXPIRE', KEYS[2], ARGV[2])
return 1
