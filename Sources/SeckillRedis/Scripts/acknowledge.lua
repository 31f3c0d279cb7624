-- Removes entries for good, and counts them as settled in the stock they came from.
--
-- KEYS  1 the stream, 2 the sale's stock (only for an outbox)
-- ARGV  1 the outbox's epoch, 2... ids
-- Returns how many there were.

local held = KEYS[2] and redis.call('HMGET', KEYS[2], 'epoch', 'settled') or {}
local counts = held[1] == ARGV[1]
-- Before the first write: Lua does not roll back.
if counts and not string.match(held[2] or '', '^%d+$') then return redis.error_reply('ERR settled is no number') end
local removed = redis.call('XDEL', KEYS[1], unpack(ARGV, 2))
redis.call('XACK', KEYS[1], 'workers', unpack(ARGV, 2))
if removed > 0 and counts then redis.call('HINCRBY', KEYS[2], 'settled', removed) end
return removed
