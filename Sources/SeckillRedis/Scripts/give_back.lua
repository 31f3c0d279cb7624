-- Puts the units of one return back on sale, once, frees the user's limit, and tells every node.
--
-- KEYS  1 the sale's stock
-- ARGV  1 identity of the server, 2 the return's epoch, 3 its id, 4 units, 5 user or '', 6 channel, 7 sale
-- Returns 'applied', 'already' or 'refused'.
--
-- Everything is reckoned before the first write: Lua does not roll back.

local id, user = 'r:' .. ARGV[3], 'u:' .. ARGV[5]
local held = redis.call('HMGET', KEYS[1], 'identity', 'epoch', 'remaining', 'version', id, user)
if held[1] ~= ARGV[1] or held[2] ~= ARGV[2] then return 'refused' end
if held[5] then return 'already' end

local remaining, version, count = held[3] + ARGV[4], held[4] + 1, (held[6] or 0) - 1
redis.call('HSET', KEYS[1], 'remaining', remaining, 'version', version, id, 1)
if ARGV[5] ~= '' and count > 0 then
    redis.call('HSET', KEYS[1], user, count)
elseif ARGV[5] ~= '' then
    redis.call('HDEL', KEYS[1], user)
end
-- A hint; if it may not be given, the return is made all the same.
redis.pcall('PUBLISH', ARGV[6], string.format('%s %.0f', ARGV[7], version))
return 'applied'
