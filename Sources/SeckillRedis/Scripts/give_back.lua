-- Puts the units of one return back on sale, once, frees the user's limit, and tells every node.
--
-- Runs behind stock.lua.
--
-- KEYS  1 the sale's stock
-- ARGV  1 identity of the store, 2 the return's epoch, 3 its id, 4 units, 5 user or '', 6 channel, 7 sale
-- Returns 'applied', 'already' or 'refused'.
--
-- Everything is computed before the first write: Lua does not roll back.

local id, user = 'r:' .. ARGV[3], 'u:' .. ARGV[5]
local held = redis.call('HMGET', KEYS[1], 'identity', 'epoch', 'remaining', 'version', 'returned', id, user)
if held[1] ~= ARGV[1] or held[2] ~= ARGV[2] then return 'refused' end
if held[6] then return 'already' end

local remaining, version, returned, count = whole(held[3]), whole(held[4]), whole(held[5]), whole(held[7] or '0')
if not (remaining and version and returned and count) then
    return redis.error_reply('DAMAGED the stock holds a number that is none')
end
version = string.format('%d', version + 1)
redis.call(
    'HSET', KEYS[1], 'remaining', string.format('%d', remaining + ARGV[4]), 'version', version,
    'returned', string.format('%d', returned + ARGV[4]), id, 1
)
if ARGV[5] ~= '' and count > 1 then
    redis.call('HSET', KEYS[1], user, string.format('%d', count - 1))
elseif ARGV[5] ~= '' then
    redis.call('HDEL', KEYS[1], user)
end
-- A hint; if it may not be given, the return is made all the same.
redis.pcall('PUBLISH', ARGV[6], ARGV[7] .. ' ' .. version)
return 'applied'
