-- Agrees with other nodes on what this server is called in the stamps of sales.
--
-- A server's data are known by its process and the name of their history. The history gets another name without a change
-- to the data, for instance when a first replica comes. Nodes that were connected all the time have seen that nothing
-- else changed and say so here; nodes that connect afterwards wait for them.
--
-- KEYS  1 the names
-- ARGV  1 the process, 2 the present name of the history, 3 what this node has called them on this connection, or '', 4 '1'
--       if it need not wait
-- Returns what to call them; '' to ask again.

local run, history, name
if redis.call('TYPE', KEYS[1]).ok == 'string' then
    run, history, name = string.match(redis.call('GET', KEYS[1]), '^(%S+) (%S+) (%S+)$')
end
if run == ARGV[1] and history == ARGV[2] then return name end
if run == ARGV[1] and name ~= ARGV[3] and ARGV[4] ~= '1' then return '' end
name = ARGV[3] ~= '' and ARGV[3] or ARGV[1] .. ':' .. ARGV[2]
redis.call('SET', KEYS[1], ARGV[1] .. ' ' .. ARGV[2] .. ' ' .. name)
return name
