-- Closes a sale if it is in this epoch. Everything else stays, for a rebuild to drain.
--
-- KEYS  1 the sale's stock
-- ARGV  1 epoch, 2 the ledger's id
-- Returns 1 if it did.

if redis.call('TYPE', KEYS[1]).ok ~= 'hash' then return 0 end
local held = redis.call('HMGET', KEYS[1], 'epoch', 'ledger')
if held[1] ~= ARGV[1] or held[2] and held[2] ~= ARGV[2] then return 0 end
return redis.call('HDEL', KEYS[1], 'identity')
