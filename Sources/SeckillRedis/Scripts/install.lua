-- Step (e) of a rebuild: puts the stock that was prepared in the place of the old one, if the claim is alive.
--
-- Runs behind stock.lua.
--
-- KEYS  1 the sale's stock, 2 its claim, 3 the outbox of the new epoch, 4 the stock that was prepared, 5 the outbox that was
--       drained, 6 the outboxes that hold orders
-- ARGV  1 token, 2 identity of the store, 3 the ledger's id, 4 epoch, 5 remaining, 6 the ledger's orders, 7 restock
--       version, 8 revision, 9 limit, 10 opens, 11 closes or '', 12 admission, 13 users prepared, 14 channel, 15 sale, 16 the
--       epoch that was drained
-- Returns 1, or 0 if the claim is over, the sale is in this epoch or a later one, or what was prepared has run out.

if redis.call('TYPE', KEYS[2]).ok ~= 'string' or redis.call('GET', KEYS[2]) ~= ARGV[1] then return 0 end
local held = stock(KEYS[1])
if held and held.epoch and held.epoch >= tonumber(ARGV[4]) then return 0 end
local users = tonumber(ARGV[13])
if users > 0 and redis.call('HLEN', KEYS[4]) ~= users then return 0 end

redis.call('UNLINK', KEYS[1], KEYS[3], KEYS[5])
redis.pcall('SREM', KEYS[6], ARGV[15] .. '.' .. ARGV[4], ARGV[15] .. '.' .. ARGV[16])
if users > 0 then
    redis.call('RENAME', KEYS[4], KEYS[1])
    redis.call('PERSIST', KEYS[1])
end
redis.call('XGROUP', 'CREATE', KEYS[3], 'workers', '0', 'MKSTREAM')
redis.call(
    'HSET', KEYS[1], 'ledger', ARGV[3], 'epoch', ARGV[4], 'remaining', ARGV[5], 'sequence', 0, 'settled', 0,
    'returned', 0, 'orders', ARGV[6], 'version', ARGV[7], 'revision', ARGV[8], 'limit', ARGV[9], 'opens', ARGV[10],
    'closes', ARGV[11], 'admission', ARGV[12]
)
-- Last, so that a script that dies half-way has not opened the sale.
redis.call('HSET', KEYS[1], 'identity', ARGV[2])
redis.call('DEL', KEYS[2])
redis.pcall('PUBLISH', ARGV[14], ARGV[15] .. ' ' .. ARGV[7])
return 1
