-- How much some outboxes hold.
--
-- KEYS  streams
-- Returns {entries, the time in ms of the oldest of them, or ''}. What is no stream holds nothing.

local count, oldest = 0, ''
for _, key in ipairs(KEYS) do
    local first = redis.pcall('XRANGE', key, '-', '+', 'COUNT', 1)[1]
    if first then
        count = count + redis.call('XLEN', key)
        local time = string.match(first[1], '^%d+')
        if oldest == '' or tonumber(time) < tonumber(oldest) then oldest = time end
    end
end
return {count, oldest}
