-- Counts one answer to a question that is still as it was read: whoever judged the answer saw this very question.
--
-- KEYS  1 the question
-- ARGV  1 the question as it was read, 2 the question with one try less; empty if the answer is right, or the try the last
-- Returns 1 if the answer counts, 0 if the question is another by now, or gone.

if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
if ARGV[2] == '' then
    redis.call('DEL', KEYS[1])
else
    redis.call('SET', KEYS[1], ARGV[2], 'KEEPTTL')
end
return 1
