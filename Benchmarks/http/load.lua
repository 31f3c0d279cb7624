-- wrk script: each request is the next line of a file (path <tab> cookie), once; threads take alternate lines.
local lines, at, step = {}, 0, 1

local counter = 0
function setup(thread)
  thread:set("first", counter)
  counter = counter + 1
  thread:set("threads", tonumber(os.getenv("LOAD_THREADS") or "1"))
end

function init()
  step, at = threads, first + 1 - threads
  for line in io.lines(os.getenv("LOAD_FILE")) do lines[#lines + 1] = line end
end

function request()
  at = at + step
  if at > #lines then at = first + 1 end
  local path, cookie = lines[at]:match("([^\t]*)\t?(.*)")
  return "POST " .. path .. " HTTP/1.1\r\nHost: 127.0.0.1\r\nCookie: " .. cookie .. "\r\nContent-Length: 0\r\n\r\n"
end

function done(summary, latency)
  io.write(string.format("RESULT requests=%d us=%d p50=%d p99=%d refused=%d broken=%d\n", summary.requests,
    summary.duration, latency:percentile(50), latency:percentile(99), summary.errors.status,
    summary.errors.connect + summary.errors.read + summary.errors.write + summary.errors.timeout))
end
