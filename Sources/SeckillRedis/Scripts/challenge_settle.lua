-- Counts one answer to a question that is still as it was read: whoever judged the answer saw this very question.
--
-- KEYS  1 the questions of a session
-- ARGV  1 id, 2 the question as it was read, 3 the question with one try less; empty if the answer is right, or the try the
--       last
-- Returns 1 if the answer counts, 0 if the question is another by now, or gone.

if redis.call('HGET', KEYS[1], ARGV[1]) ~= ARGV[2] then return 0 end
if ARGV[3] == '' then
    redis.call('HDEL', KEYS[1], ARGV[1])
else
    redis.call('HSET', KEYS[1], ARGV[1], ARGV[3])
end
return 1
