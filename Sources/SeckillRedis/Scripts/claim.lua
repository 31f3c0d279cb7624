-- Step (b) of a rebuild: claims a sale. Its outbox is then read in pages: nothing is appended any more.
--
-- KEYS  1 the sale's stock, 2 its claim, 3 the outbox of the ledger's epoch
-- ARGV  1 identity of the server, 2 the ledger's epoch, 3 its sequence, 4 a token, 5 the claim's lifetime in ms
-- Returns {'current'}, {'busy'}, or {'claimed', epoch of the stock or 0, 1 if there is an outbox to drain or 0}.
--
-- Nothing is taken for granted: any of the keys may be missing or of another type.

local stock, outbox = redis.call('TYPE', KEYS[1]).ok, redis.call('TYPE', KEYS[3]).ok
local held = {}
if stock == 'hash' then
    held = redis.call(
        'HMGET', KEYS[1], 'identity', 'epoch', 'sequence', 'settled', 'remaining', 'version', 'revision', 'limit',
        'opens', 'closes', 'admission'
    )
end
local whole = held[10] and held[11]
for field = 2, 9 do whole = whole and tonumber(held[field]) end
local epoch = tonumber(held[2]) or 0

if whole and held[1] == ARGV[1] and epoch == tonumber(ARGV[2]) and outbox == 'stream' then
    local sequence, settled = tonumber(held[3]), tonumber(held[4])
    if sequence >= tonumber(ARGV[3]) and redis.call('XLEN', KEYS[3]) + settled >= sequence then
        return {'current'}
    end
end

-- A claim always runs out, and soon; what does not was left by somebody else, and would keep the sale shut.
local left = redis.call('PTTL', KEYS[2])
if left == -1 or left > tonumber(ARGV[5]) then redis.call('DEL', KEYS[2]) end
if not redis.call('SET', KEYS[2], ARGV[4], 'NX', 'PX', ARGV[5]) then return {'busy'} end

-- From here on nothing is reserved until an install: it would not have been drained.
if stock == 'hash' then redis.call('HDEL', KEYS[1], 'identity') end
return {'claimed', epoch, outbox == 'stream' and 1 or 0}
