-- Takes one unit for one order, in one step: fence, idempotency, terms, stock, limit, sequence and outbox.
--
-- KEYS  1 the sale's stock, 2 the outbox of the order's epoch, 3 the outboxes that hold orders
-- ARGV  1 identity of the store, 2 order, 3 user, 4 the order's epoch, 5 entries that the outbox may hold, 6 the time in
--       µs, if it is known
-- Returns a word and a number: the sequence, the restock version or the opening time, else 0.
--
-- Everything is read and checked before the first write: Lua does not roll back. Numbers are handed on as text: Redis
-- writes those of Lua with 17 digits, which costs it more than the command.

local order, user = 'o:' .. ARGV[2], 'u:' .. ARGV[3]
local held = redis.call(
    'HMGET', KEYS[1], 'identity', 'epoch', 'remaining', 'sequence', 'settled', 'limit', 'opens', 'closes', 'admission',
    order, user
)
if held[1] ~= ARGV[1] then return 'unavailable 0' end
if held[10] then return 'known ' .. string.match(held[10], '^%d+') end

-- tonumber() reads " 5", 0x10, 1e9 and nan as well. All numbers are checked at once, which costs less than one by one.
-- With more digits, Lua would lose the last.
local numbers = held[2] .. ' ' .. held[3] .. ' ' .. held[4] .. ' ' .. held[5] .. ' ' .. held[6] .. ' ' .. held[7]
    .. ' ' .. held[8]
if #held[2] > 15 or #held[3] > 15 or #held[4] > 15 or #held[5] > 15 or #held[6] > 15 or #held[7] > 20 or #held[8] > 20
    or not string.find(numbers, '^%d+ %d+ %d+ %d+ %d+ %-?%d+ %-?%d*$')
then
    return redis.error_reply('DAMAGED the stock holds a number that is none')
end

local epoch, wanted = tonumber(held[2]), tonumber(ARGV[4])
if wanted < epoch then return 'stale 0' end
if wanted > epoch then return 'unavailable 0' end

local now = ARGV[6]
if not now then
    local time = redis.call('TIME')
    now = time[1] * 1000000 + time[2]
end
now = math.floor(now / 1000)
if held[9] == 'closed' or held[8] ~= '' and now >= tonumber(held[8]) then return 'closed 0' end
if held[9] == 'paused' then return 'paused 0' end
if held[9] ~= 'open' then return redis.error_reply('DAMAGED the sale is neither open nor paused nor closed') end
if now < tonumber(held[7]) then return 'early ' .. held[7] end
local remaining = tonumber(held[3])
if remaining == 0 then return 'sold-out ' .. redis.call('HGET', KEYS[1], 'version') end
local count = 0
if held[11] then
    if #held[11] > 15 or not string.find(held[11], '^%d+$') then
        return redis.error_reply('DAMAGED the stock holds a count that is none')
    end
    count = tonumber(held[11])
    if count >= tonumber(held[6]) then return 'limit 0' end
end

-- Every order is in the outbox or settled. If not, somebody has been at the outbox.
local pending = redis.call('XLEN', KEYS[2])
if pending + held[5] < tonumber(held[4]) then return 'unavailable 0' end
if pending >= tonumber(ARGV[5]) then return 'full 0' end

local sequence = string.format('%d', held[4] + 1)
local at = string.format('%d', now)
local reservation = sequence .. ' ' .. at .. ' ' .. ARGV[3]
local entry = redis.call('XADD', KEYS[2], 'NOMKSTREAM', '*', 'order', ARGV[2] .. ' ' .. reservation)
if not entry then return 'unavailable 0' end
-- Workers look only at outboxes that are named there. If this cannot be written, the next snapshot repairs it.
if pending == 0 then redis.pcall('SADD', KEYS[3], string.match(ARGV[2], '^[^.]+%.%d+')) end
redis.call(
    'HSET', KEYS[1], 'remaining', string.format('%d', remaining - 1), 'sequence', sequence,
    user, string.format('%d', count + 1),
    order, reservation
)
return 'reserved ' .. sequence
