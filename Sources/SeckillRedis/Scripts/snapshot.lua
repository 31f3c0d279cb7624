-- What the store holds for a sale, at one instant.
--
-- Runs behind stock.lua.
--
-- KEYS  1 the sale's stock, 2 the outbox of the epoch that the caller believes it to be in
-- ARGV  1 identity of the store, or '' for an auditor, who sees sales that are closed as well, 2 that epoch, 3 the ledger's
--       id
-- Returns {epoch, remaining, pending, sequence, version, revision, settled, returned, closes or '', admission, ms since
-- 1970}; {epoch} alone if the sale is in another epoch, to ask again with the right outbox; nothing if the store does not
-- trust what it holds.

local held = stock(KEYS[1])
if not held or not held.isSound or held.ledger ~= ARGV[3] then return false end
if ARGV[1] ~= '' and held.identity ~= ARGV[1] then return false end
if held.epoch ~= tonumber(ARGV[2]) then return {held.epoch} end
if redis.call('TYPE', KEYS[2]).ok ~= 'stream' then return false end
local pending = redis.call('XLEN', KEYS[2])
-- Every order is in the outbox or settled. If not, somebody has been at the outbox.
if pending + held.settled < held.sequence then return false end
local time = redis.call('TIME')
return {
    held.epoch, held.remaining, pending, held.sequence, held.version, held.revision, held.settled, held.returned,
    held.closes, held.admission, time[1] * 1000 + math.floor(time[2] / 1000),
}
