-- Replaces a sale's terms by later ones.
--
-- KEYS  1 the sale's stock
-- ARGV  1 identity of the server, 2 revision, 3 limit, 4 opens, 5 closes or '', 6 admission
-- Returns 1 if it did, 0 if the terms are not later or the store cannot vouch for the sale.

if redis.call('TYPE', KEYS[1]).ok ~= 'hash' then return 0 end
local held = redis.call('HMGET', KEYS[1], 'identity', 'revision')
if held[1] ~= ARGV[1] or tonumber(ARGV[2]) <= tonumber(held[2]) then return 0 end
redis.call(
    'HSET', KEYS[1], 'revision', ARGV[2], 'limit', ARGV[3], 'opens', ARGV[4], 'closes', ARGV[5], 'admission', ARGV[6]
)
return 1
