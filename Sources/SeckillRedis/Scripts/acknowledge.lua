-- Removes entries for good, and counts them as settled in the stock they came from.
--
-- Runs behind stock.lua.
--
-- KEYS  1 the stream, 2 the sale's stock (only for an outbox)
-- ARGV  1 the outbox's epoch, 2... ids
-- Returns how many there were.

local held = KEYS[2] and redis.call('HMGET', KEYS[2], 'epoch', 'settled') or {}
local counts, settled = held[1] == ARGV[1], whole(held[2])
-- Before the first write: Lua does not roll back.
if counts and not settled then return redis.error_reply('DAMAGED the number of settled orders is none') end
local removed = redis.call('XDEL', KEYS[1], unpack(ARGV, 2))
redis.call('XACK', KEYS[1], 'workers', unpack(ARGV, 2))
if removed > 0 and counts then redis.call('HSET', KEYS[2], 'settled', string.format('%d', settled + removed)) end
return removed
