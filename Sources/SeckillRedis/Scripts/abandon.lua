-- Gives a claim up, if it is still the one of this token.
--
-- KEYS  1 the sale's claim
-- ARGV  1 token
-- Returns 1 if it did.

if redis.call('TYPE', KEYS[1]).ok ~= 'string' or redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
return redis.call('DEL', KEYS[1])
