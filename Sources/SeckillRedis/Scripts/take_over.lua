-- Takes over entries that some consumer has held for too long, finds entries that were handed out and that no consumer
-- holds any more, and removes consumers that are gone. An outbox that holds nothing is no longer named as one that does.
--
-- The stream holds only what is not settled. So an entry up to the last one handed out that no consumer holds was lost by
-- the group: its consumer was deleted, or somebody acknowledged it, or moved the group forward. The group is moved back to
-- before the first of those, and hands out again what follows it; what is held is then handed out twice, which is
-- harmless.
--
-- KEYS  1 the stream; for an outbox also 2 the outboxes that hold orders
-- ARGV  1 consumer, 2 how long is too long, in ms, 3 how many to take over at most, 4 the id behind which to look for
--       entries that no consumer holds, or '', 5 how many of those to look at, 6 the outbox's name, 'sale.epoch'
-- Returns {{{id, deliveries, fields}, ...}, the id behind which to look next, or '', the id of the oldest entry, or ''}.

local taken = {}
local idle = redis.call('XPENDING', KEYS[1], 'workers', 'IDLE', ARGV[2], '-', '+', ARGV[3])
for _, held in ipairs(idle) do
    local entry = redis.call('XCLAIM', KEYS[1], 'workers', ARGV[1], ARGV[2], held[1])[1]
    if entry then
        taken[#taken + 1] = {held[1], held[4] + 1, entry[2]}
    else
        -- Held, but gone from the stream.
        redis.call('XACK', KEYS[1], 'workers', held[1])
    end
end

-- Replies of XINFO alternate names and values.
local function named(reply)
    local values = {}
    for index = 1, #reply, 2 do values[reply[index]] = reply[index + 1] end
    return values
end

for _, reply in ipairs(redis.call('XINFO', 'CONSUMERS', KEYS[1], 'workers')) do
    local consumer = named(reply)
    if consumer.pending == 0 and consumer.idle > 86400000 and consumer.name ~= ARGV[1] then
        redis.call('XGROUP', 'DELCONSUMER', KEYS[1], 'workers', consumer.name)
    end
end

if KEYS[2] and redis.call('XLEN', KEYS[1]) == 0 then
    redis.pcall('SREM', KEYS[2], ARGV[6])
    return {taken, '', ''}
end

local last = '0-0'
for _, reply in ipairs(redis.call('XINFO', 'GROUPS', KEYS[1])) do
    local group = named(reply)
    if group.name == 'workers' then last = group['last-delivered-id'] end
end
local before = ARGV[4]
local entries = redis.call('XRANGE', KEYS[1], before == '' and '-' or '(' .. before, last, 'COUNT', ARGV[5])
if #entries == 0 then return {taken, '', ''} end
local oldest = before == '' and entries[1][1] or ''

local held, newest = {}, entries[#entries][1]
for _, entry in ipairs(redis.call('XPENDING', KEYS[1], 'workers', entries[1][1], newest, 2 * ARGV[5])) do
    held[entry[1]] = true
end
for _, entry in ipairs(entries) do
    if not held[entry[1]] then
        redis.call('XGROUP', 'SETID', KEYS[1], 'workers', before == '' and '0' or before)
        return {taken, '', oldest}
    end
    before = entry[1]
end
return {taken, #entries == tonumber(ARGV[5]) and newest or '', oldest}
