-- Replaces a sale's terms by later ones.
--
-- Runs behind stock.lua.
--
-- KEYS  1 the sale's stock
-- ARGV  1 identity of the store, 2 revision, 3 limit, 4 opens, 5 closes or '', 6 admission
-- Returns 1 if it did, 0 if the terms are not later or the store does not trust what it holds.

local held = stock(KEYS[1])
if not held or held.identity ~= ARGV[1] or not held.isSound then return 0 end
if tonumber(ARGV[2]) <= held.revision then return 0 end
redis.call(
    'HSET', KEYS[1], 'revision', ARGV[2], 'limit', ARGV[3], 'opens', ARGV[4], 'closes', ARGV[5], 'admission', ARGV[6]
)
return 1
