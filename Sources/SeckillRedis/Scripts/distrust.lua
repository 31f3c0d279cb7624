-- Stops vouching for a sale in this epoch. Everything else stays, for a rebuild to drain.
--
-- KEYS  1 the sale's stock
-- ARGV  1 epoch
-- Returns 1 if it did.

if redis.call('TYPE', KEYS[1]).ok ~= 'hash' or redis.call('HGET', KEYS[1], 'epoch') ~= ARGV[1] then return 0 end
return redis.call('HDEL', KEYS[1], 'identity')
