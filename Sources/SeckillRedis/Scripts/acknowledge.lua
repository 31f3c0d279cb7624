-- Removes entries for good, and counts them as settled in the stock they came from.
--
-- KEYS  1 the stream, 2 the sale's stock (only for an outbox)
-- ARGV  1 the outbox's epoch, 2... ids
-- Returns how many there were.

local epoch = KEYS[2] and redis.call('HGET', KEYS[2], 'epoch')
local removed = redis.call('XDEL', KEYS[1], unpack(ARGV, 2))
redis.call('XACK', KEYS[1], 'workers', unpack(ARGV, 2))
if removed > 0 and epoch == ARGV[1] then redis.call('HINCRBY', KEYS[2], 'settled', removed) end
return removed
