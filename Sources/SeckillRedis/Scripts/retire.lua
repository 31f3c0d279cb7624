-- Lets the keys of a sale that is over run out. Repeating it does not let them stay for longer.
--
-- KEYS  1 the sale's stock, 2 the outbox of its epoch
-- ARGV  1 the epoch, 2 the ledger's id, 3 how long the keys stay, in ms
-- Returns 1, or 0 if the sale is in another epoch, is another ledger's, or has orders in its outbox.

if redis.call('TYPE', KEYS[1]).ok ~= 'hash' then return 0 end
local held = redis.call('HMGET', KEYS[1], 'epoch', 'ledger')
if held[1] ~= ARGV[1] or held[2] ~= ARGV[2] then return 0 end
if redis.call('TYPE', KEYS[2]).ok == 'stream' and redis.call('XLEN', KEYS[2]) > 0 then return 0 end
for _, key in ipairs(KEYS) do
    if redis.call('PTTL', key) == -1 then redis.call('PEXPIRE', key, ARGV[3]) end
end
return 1
