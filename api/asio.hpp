// Opt-in for users of Boost.Asio: the completion token use_coro for every initiating function, the io_context of the
// running loop to make I/O objects with, and a TCP stream that tries the system call first.
//
//     boost::asio::ip::tcp::socket socket(weft::asio_executor());
//     co_await socket.async_connect(endpoint, weft::use_coro);
#pragma once

#include "api/weft.hpp"
#include "io/operation.hpp"
#include "io/tcp_stream.hpp"

namespace weft {

// Returns the running loop's io_context; objects made with it live on this loop.
// Throws std::runtime_error outside a loop, or if the loop was made without I/O.
[[nodiscard]] boost::asio::io_context& get_io_context();

[[nodiscard]] inline boost::asio::io_context::executor_type asio_executor() { return get_io_context().get_executor(); }

}  // namespace weft
