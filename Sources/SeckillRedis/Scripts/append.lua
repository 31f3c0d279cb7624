-- Appends reservations to a queue, all or none.
--
-- KEYS  1 the stream
-- ARGV  'order sequence time user' of each
-- Returns how many.

for _, reservation in ipairs(ARGV) do redis.call('XADD', KEYS[1], '*', 'order', reservation) end
return #ARGV
