-- Step (e) of a rebuild: wipes a sale and writes what the ledger says, if the claim is alive.
--
-- KEYS  1 the sale's stock, 2 its claim, 3 the outbox of the new epoch, 4... outboxes of epochs that are over
-- ARGV  1 token, 2 identity of the server, 3 epoch, 4 remaining, 5 restock version, 6 revision, 7 limit, 8 opens,
--       9 closes or '', 10 admission, 11 live orders of users, as lines of user and count by turns
-- Returns 1, or 0 if the claim is over.

if redis.call('TYPE', KEYS[2]).ok ~= 'string' or redis.call('GET', KEYS[2]) ~= ARGV[1] then return 0 end

redis.call('UNLINK', KEYS[1], unpack(KEYS, 3))
redis.call('XGROUP', 'CREATE', KEYS[3], 'workers', '0', 'MKSTREAM')
redis.call(
    'HSET', KEYS[1], 'epoch', ARGV[3], 'remaining', ARGV[4], 'sequence', 0, 'settled', 0, 'version', ARGV[5],
    'revision', ARGV[6], 'limit', ARGV[7], 'opens', ARGV[8], 'closes', ARGV[9], 'admission', ARGV[10]
)
local fields = {}
for user, count in string.gmatch(ARGV[11], '([^\n]*)\n(%d+)\n') do
    fields[#fields + 1] = 'u:' .. user
    fields[#fields + 1] = count
    if #fields == 1000 then
        redis.call('HSET', KEYS[1], unpack(fields))
        fields = {}
    end
end
if #fields > 0 then redis.call('HSET', KEYS[1], unpack(fields)) end

-- Last, so that a script that dies half-way has not opened the sale.
redis.call('HSET', KEYS[1], 'identity', ARGV[2])
redis.call('DEL', KEYS[2])
return 1
