-- A page that is there, fresh or stale.
--
-- KEYS  1 the page
-- Returns {body, media type, validator, 1 if stale else 0}, or nothing.

if redis.call('TYPE', KEYS[1]).ok ~= 'hash' then return false end
local page = redis.call('HMGET', KEYS[1], 'body', 'type', 'etag', 'stale')
local left = redis.call('PTTL', KEYS[1])
local stale = page[1] and page[2] and page[3] and page[4] and string.match(page[4], '^%d+$')
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
-- A page that does not run out, or is fresh for longer than it is there, was not written here: it would stay for ever.
if not stale or left < 0 or tonumber(stale) > now + left + 1 then return false end
return {page[1], page[2], page[3], now < tonumber(stale) and 0 or 1}
