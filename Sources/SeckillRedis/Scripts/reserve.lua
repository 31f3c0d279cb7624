-- Takes one unit for one order, in one step: fence, idempotency, terms, stock, limit, sequence and outbox.
--
-- KEYS  1 the sale's stock, 2 the outbox of the order's epoch
-- ARGV  1 identity of the server, 2 order, 3 user, 4 the order's epoch, 5 entries that the outbox may hold
-- Returns {word, number}; the number is the sequence, the restock version or the opening time, else 0.
--
-- Everything is read, and so its type checked, before the first write: Lua does not roll back.

local order, user = 'o:' .. ARGV[2], 'u:' .. ARGV[3]
local held = redis.call(
    'HMGET', KEYS[1], 'identity', 'epoch', 'remaining', 'sequence', 'settled', 'version', 'limit', 'opens', 'closes',
    'admission', order, user
)
if held[1] ~= ARGV[1] then return {'unavailable', 0} end
if held[11] then return {'known', tonumber(string.match(held[11], '^%d+'))} end

local epoch, wanted = tonumber(held[2]), tonumber(ARGV[4])
if wanted < epoch then return {'stale', 0} end
if wanted > epoch then return {'unavailable', 0} end

local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
if held[10] == 'closed' or held[9] ~= '' and now >= tonumber(held[9]) then return {'closed', 0} end
if held[10] == 'paused' then return {'paused', 0} end
if now < tonumber(held[8]) then return {'early', tonumber(held[8])} end
if tonumber(held[3]) <= 0 then return {'sold out', tonumber(held[6])} end
local count = tonumber(held[12] or 0)
if count >= tonumber(held[7]) then return {'limit', 0} end

-- Every order is in the outbox or settled. If not, somebody has been at the outbox.
local pending = redis.call('XLEN', KEYS[2])
if pending + held[5] < tonumber(held[4]) then return {'unavailable', 0} end
if pending >= tonumber(ARGV[5]) then return {'full', 0} end

local sequence = held[4] + 1
local at = string.format('%.0f', now)
local entry = redis.call(
    'XADD', KEYS[2], 'NOMKSTREAM', '*', 'order', ARGV[2], 'user', ARGV[3], 'sequence', sequence, 'at', at
)
if not entry then return {'unavailable', 0} end
redis.call(
    'HSET', KEYS[1], 'remaining', held[3] - 1, 'sequence', sequence, user, count + 1,
    order, string.format('%d %s %s', sequence, at, ARGV[3])
)
return {'reserved', sequence}
