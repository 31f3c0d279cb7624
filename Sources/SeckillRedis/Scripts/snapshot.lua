-- What the store holds for a sale, at one instant.
--
-- KEYS  1 the sale's stock, 2 the outbox of the epoch that the caller believes it to be in
-- ARGV  1 identity of the server, 2 that epoch
-- Returns {epoch, remaining, pending, sequence, version, revision, closes or '', admission, ms since 1970}; {epoch} alone
-- if the sale is in another epoch, to ask again with the right outbox; nothing if the store cannot vouch for the sale.

if redis.call('TYPE', KEYS[1]).ok ~= 'hash' then return false end
local held = redis.call(
    'HMGET', KEYS[1], 'identity', 'epoch', 'remaining', 'sequence', 'settled', 'version', 'revision', 'limit', 'opens',
    'closes', 'admission'
)
if held[1] ~= ARGV[1] or not held[10] or not held[11] then return false end
for field = 2, 9 do if not tonumber(held[field]) then return false end end
if held[2] ~= ARGV[2] then return {tonumber(held[2])} end
if redis.call('TYPE', KEYS[2]).ok ~= 'stream' then return false end
local pending = redis.call('XLEN', KEYS[2])
-- Every order is in the outbox or settled. If not, somebody has been at the outbox.
if pending + held[5] < tonumber(held[4]) then return false end
local time = redis.call('TIME')
return {
    tonumber(held[2]), tonumber(held[3]), pending, tonumber(held[4]), tonumber(held[6]), tonumber(held[7]), held[10],
    held[11], time[1] * 1000 + math.floor(time[2] / 1000),
}
