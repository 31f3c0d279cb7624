-- Takes entries over that some consumer has held for too long.
--
-- KEYS  1 the stream
-- ARGV  1 consumer, 2 how long is too long, in ms, 3 how many at most
-- Returns {{id, deliveries, fields}, ...}.

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
return taken
