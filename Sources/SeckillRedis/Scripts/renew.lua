-- Lets a claim live on, if it is still the one of this token.
--
-- KEYS  1 the sale's claim
-- ARGV  1 token, 2 lifetime in ms from now
-- Returns 1 if it did.

if redis.call('TYPE', KEYS[1]).ok ~= 'string' or redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
return redis.call('PEXPIRE', KEYS[1], ARGV[2])
