-- Moves one entry aside, for a person to look at.
--
-- Runs behind stock.lua.
--
-- KEYS  1 the stream, 2 the dead letters; for an outbox also 3 the sale's stock, 4 the outboxes that hold orders
-- ARGV  1 the outbox's name, 'sale.epoch', or '' for a queue, 2 id, 3 why, 4 whether it is an order, '1' or '0'
-- Returns 1 if it did, 0 if the entry was gone.

local held = KEYS[3] and redis.call('HMGET', KEYS[3], 'epoch', 'settled') or {}
local counts = KEYS[3] and ARGV[4] == '1' and held[1] == string.match(ARGV[1], '%d+$')
local settled = whole(held[2])
local entry = redis.call('XRANGE', KEYS[1], ARGV[2], ARGV[2])[1]
if not entry then return 0 end
-- Before the first write: Lua does not roll back.
if counts and not settled then return redis.error_reply('DAMAGED the number of settled orders is none') end
-- An entry of any width must fit, or it would never leave.
local fields = {unpack(entry[2], 1, math.min(#entry[2], 64))}
local dead = redis.call('TYPE', KEYS[2]).ok
if dead ~= 'stream' and dead ~= 'none' then redis.call('UNLINK', KEYS[2]) end
redis.call(
    'XADD', KEYS[2], 'MAXLEN', '~', '10000', '*', 'outbox', ARGV[1], 'entry', ARGV[2], 'reason', ARGV[3], unpack(fields)
)
redis.call('XACK', KEYS[1], 'workers', ARGV[2])
redis.call('XDEL', KEYS[1], ARGV[2])
if KEYS[4] and redis.call('XLEN', KEYS[1]) == 0 then redis.pcall('SREM', KEYS[4], ARGV[1]) end
if counts then redis.call('HSET', KEYS[3], 'settled', string.format('%d', settled + 1)) end
return 1
