-- Marks a session as used, so that sessions which nobody uses make room first. Once for each session.
--
-- KEYS  1 the session
-- ARGV  1 what it holds: 'new ', its end and its user; 2 the time in µs
-- Returns what it holds from now on: its end and its user.
--
-- A failure is no reason to refuse the session: at its memory limit Redis takes no mark.

local held = string.sub(ARGV[1], 5)
local ends = tonumber(string.match(held, '^(%d+) ') or 0)
local left = ends - math.floor(ARGV[2] / 1000)
if left <= 0 or ends >= 1e15 then return held end
redis.pcall('SET', KEYS[1], held, 'PX', string.format('%.0f', left))
local before, digest = string.match(KEYS[1], '^(.*:)session:([%w_-]+)$')
redis.pcall('ZADD', before .. 'sessions', 'XX', string.format('%.0f', 4e15 + ARGV[2]), digest)
return held
