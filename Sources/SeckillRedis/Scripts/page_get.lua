-- A page that is there, fresh or stale.
--
-- KEYS  1 the page
-- Returns {body, media type, validator, 1 if stale else 0}, or nothing.

local page = redis.call('HMGET', KEYS[1], 'body', 'type', 'etag', 'stale')
if not page[4] then return false end
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
return {page[1], page[2], page[3], now < tonumber(page[4]) and 0 or 1}
