// What the C++ servers of bench/peers/ share. A server is called as `program LOOPS`, listens on a free port of the
// loopback address, says "listening on 127.0.0.1:PORT" and serves until SIGTERM; tools/server.py starts it and a load.
//
// What a server answers is a Protocol, which knows no I/O, so that the frameworks differ in nothing else:
//
//     std::span<char> room();               // where the next bytes are to be put
//     bool take(std::size_t size);          // so many came; false: they make no sense, the connection is to be closed
//     std::string_view replies() const;     // what is to be sent, all of it before the next take()
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdio>

#include "bench/peers/passes.hpp"

namespace bench {

// Exits with 2 and says why if the command line makes no sense.
inline std::size_t loops_of(int argc, char** argv) {
    if (argc != 2) fail("LOOPS", "");
    return number(argv[1], "LOOPS");
}

inline void announce(std::uint16_t port) {
    std::printf("listening on 127.0.0.1:%u\n", static_cast<unsigned>(port));
    std::fflush(stdout);
}

}  // namespace bench
