-- Removes entries for good, and counts them as settled in the stock they came from.
--
-- Runs behind stock.lua.
--
-- KEYS  1 the stream; for an outbox also 2 the sale's stock, 3 the outboxes that hold orders
-- ARGV  1 the outbox's name, 'sale.epoch', or '' for a queue, 2... ids
-- Returns how many there were.

local held = KEYS[2] and redis.call('HMGET', KEYS[2], 'epoch', 'settled') or {}
local counts, settled = KEYS[2] and held[1] == string.match(ARGV[1], '%d+$'), whole(held[2])
-- Before the first write: Lua does not roll back.
if counts and not settled then return redis.error_reply('DAMAGED the number of settled orders is none') end
local removed = redis.call('XDEL', KEYS[1], unpack(ARGV, 2))
redis.call('XACK', KEYS[1], 'workers', unpack(ARGV, 2))
if removed > 0 and counts then redis.call('HSET', KEYS[2], 'settled', string.format('%d', settled + removed)) end
if KEYS[3] and redis.call('XLEN', KEYS[1]) == 0 then redis.pcall('SREM', KEYS[3], ARGV[1]) end
return removed
