-- Step (b) of a rebuild: compares a sale with the ledger's record, and claims it unless they agree.
--
-- Runs behind stock.lua.
--
-- KEYS  1 the sale's stock, 2 its claim, 3 the outbox of the record's epoch
-- ARGV  1 identity of the store, 2 the ledger's id, the record's 3 epoch, 4 sequence, 5 recorded, 6 orders, 7 installed
--       and 8 restored epoch, 9 a token, 10 the claim's lifetime in ms
-- Returns {'foreign', id of another ledger}, {'ahead', epoch, orders}, {'current'}, {'busy'}, or {'claimed', the epoch
-- whose outbox is to be drained, or 0}.
--
-- Nothing is taken for granted: any of the keys may be missing or of another type.

local epoch, orders = tonumber(ARGV[3]), tonumber(ARGV[6])
local held = stock(KEYS[1])
local outbox = redis.call('TYPE', KEYS[3]).ok

if held and held.ledger and held.ledger ~= ARGV[2] and string.find(held.ledger, '^[%w_-]+$') then
    return {'foreign', held.ledger}
end
-- An order is in the outbox or has left it. Counts that say otherwise say nothing of what the ledger should know.
local hasCounts = held and held.epoch and held.sequence and held.settled and held.settled <= held.sequence
if hasCounts and held.epoch == epoch and outbox == 'stream' then
    hasCounts = redis.call('XLEN', KEYS[3]) + held.settled <= held.sequence
end
if held and held.epoch then
    local known = 0
    if hasCounts then
        known = (held.orders or 0) + held.settled
        if held.epoch == epoch then known = math.max(known, orders + held.settled - ARGV[5]) end
    end
    if held.epoch > epoch or held.epoch >= tonumber(ARGV[8]) and known > orders then
        return {'ahead', held.epoch, known}
    end
end
if hasCounts and held.isSound and held.identity == ARGV[1] and held.epoch == epoch and outbox == 'stream'
    and held.sequence >= tonumber(ARGV[4])
    and held.remaining + held.sequence - held.returned == tonumber(ARGV[7])
    and redis.call('XLEN', KEYS[3]) + held.settled >= held.sequence
then
    return {'current'}
end

-- A claim always runs out, and soon; what does not was left by somebody else, and would keep the sale shut.
local left = redis.call('PTTL', KEYS[2])
if left == -1 or left > math.max(60000, ARGV[10]) then redis.call('DEL', KEYS[2]) end
if not redis.call('SET', KEYS[2], ARGV[9], 'NX', 'PX', ARGV[10]) then return {'busy'} end

-- From here on nothing is reserved until an install: it would not have been drained.
if held then redis.call('HDEL', KEYS[1], 'identity') end
-- If the stock is gone or its epoch unreadable, it was most likely in the record's.
return {'claimed', held and held.epoch or outbox == 'stream' and epoch or 0}
