-- The load that every HTTP server gets, for wrk: load.lua VARIANT. Reports as the programs do (passes.hpp): nanoseconds
-- per request, how many requests went wrong, and how many there were.
local pipelined = 16

-- wrk formats the request once, after init, and sends that without calling Lua again.
function init(arguments)
    if arguments[1] == "pipelined" then
        local format = wrk.format
        wrk.format = function(...) return format(...):rep(pipelined) end
    end
end

function done(summary)
    local errors = summary.errors
    local wrong = errors.connect + errors.read + errors.write + errors.status + errors.timeout
    local ns = summary.duration * 1000 / summary.requests
    print(string.format('{"ns": [%.3f], "answer": %d, "requests": %d}', ns, wrong, summary.requests))
end
