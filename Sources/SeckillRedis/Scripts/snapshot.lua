-- What the store holds for a sale, at one instant.
--
-- Runs behind stock.lua.
--
-- KEYS  1 the sale's stock, 2 the outbox of the epoch that the caller believes it to be in, 3 the outboxes that hold orders;
--       without it nothing is repaired
-- ARGV  1 identity of the store, or '' for an auditor, who sees sales that are closed as well, 2 that epoch, 3 the ledger's
--       id, 4 the outbox's name, 'sale.epoch'
-- Returns {epoch, remaining, pending, sequence, version, revision, settled, returned}; {epoch} alone if the sale is in
-- another epoch, to ask again with the right outbox; nothing if the store does not trust what it holds.

local held = stock(KEYS[1])
if not held or not held.epoch or held.ledger ~= ARGV[3] then return false end
if held.epoch ~= tonumber(ARGV[2]) then return {held.epoch} end
if redis.call('TYPE', KEYS[2]).ok ~= 'stream' then return false end
local pending = redis.call('XLEN', KEYS[2])
if pending > 0 and KEYS[3] then
    -- Orders must reach a worker even if the store does not trust the stock, or if the set was lost.
    local added = redis.pcall('SADD', KEYS[3], ARGV[4])
    if type(added) == 'table' and redis.call('TYPE', KEYS[3]).ok ~= 'set' then
        redis.call('UNLINK', KEYS[3])
        redis.call('SADD', KEYS[3], ARGV[4])
    end
end
if not held.isSound or ARGV[1] ~= '' and held.identity ~= ARGV[1] then return false end
-- Every order is in the outbox or settled. If not, somebody has been at the outbox.
if pending + held.settled < held.sequence then return false end
return {
    held.epoch, held.remaining, pending, held.sequence, held.version, held.revision, held.settled, held.returned,
}
