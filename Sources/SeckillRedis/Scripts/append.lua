-- Appends reservations to a queue, all or none.
--
-- KEYS  1 the stream
-- ARGV  order, user, sequence and time of each
-- Returns how many.

for first = 1, #ARGV, 4 do
    redis.call(
        'XADD', KEYS[1], '*', 'order', ARGV[first], 'user', ARGV[first + 1], 'sequence', ARGV[first + 2],
        'at', ARGV[first + 3]
    )
end
return #ARGV / 4
