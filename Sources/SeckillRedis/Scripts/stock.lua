-- What several scripts need to read a sale's stock. Stands before them as it is.

-- A whole number in plain digits, as these scripts write them, or nil. Below 10^15: Lua's numbers are exact up to 2^53.
local function whole(text)
    if text and #text <= 15 and string.find(text, '^%d+$') then return tonumber(text) end
end

-- The stock under `key`, or nil if there is no hash. It `isSound` if every field is there and can be what it says.
local function stock(key)
    if redis.call('TYPE', key).ok ~= 'hash' then return nil end
    local held = redis.call(
        'HMGET', key, 'identity', 'ledger', 'opens', 'closes', 'admission', 'epoch', 'remaining', 'sequence', 'settled',
        'returned', 'orders', 'version', 'revision', 'limit'
    )
    local found = {identity = held[1], ledger = held[2], opens = held[3], closes = held[4], admission = held[5]}
    found.isSound = found.opens and #found.opens <= 20 and string.find(found.opens, '^%-?%d+$')
        and found.closes and #found.closes <= 20 and string.find(found.closes, '^%-?%d*$')
        and (found.admission == 'open' or found.admission == 'paused' or found.admission == 'closed')
    local names = {'epoch', 'remaining', 'sequence', 'settled', 'returned', 'orders', 'version', 'revision', 'limit'}
    for index, name in ipairs(names) do
        found[name] = whole(held[5 + index])
        found.isSound = found.isSound and found[name] ~= nil
    end
    -- StockSnapshot.maxEpoch
    if found.epoch and found.epoch > 1048576 then found.epoch = nil end
    found.isSound = found.isSound and found.epoch and found.settled <= found.sequence
    return found
end
