// The peer of examples/http_service.cpp: the same Beast server and the same answers on Asio's own coroutines
// (co_spawn, use_awaitable), the io_context's own executor type: beast_awaitable [--loops N] [--port P].
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>
#include <utility>

#include "bench/peers/asio_server.hpp"
#include "examples/http_reply.hpp"

namespace {

namespace asio = boost::asio;
namespace http = boost::beast::http;
using asio::ip::tcp;

constexpr auto use_tuple = asio::as_tuple(bench::use_awaitable);

bench::Awaitable<> converse(bench::Socket socket) {
    boost::beast::flat_buffer buffer;
    for (bool keep_alive = true; keep_alive;) {
        examples::Request request;
        auto [error, size] = co_await http::async_read(socket, buffer, request, use_tuple);
        if (error) break;
        examples::Response response = examples::reply_to(request);
        keep_alive = response.keep_alive();
        auto [write_error, written] = co_await http::async_write(socket, response, use_tuple);
        if (write_error) break;
    }
    boost::system::error_code ignored;
    socket.shutdown(tcp::socket::shutdown_both, ignored);
}

}  // namespace

int main(int argc, char** argv) {
    std::size_t loops = 1;
    std::uint16_t port = 0;
    for (int i = 1; i < argc; i += 2) {
        const std::string_view option = argv[i];
        if (i + 1 == argc || (option != "--loops" && option != "--port"))
            bench::fail("[--loops N] [--port P]", argv[i]);
        if (option == "--loops") loops = bench::number(argv[i + 1], "--loops N");
        if (option == "--port") port = static_cast<std::uint16_t>(std::atoi(argv[i + 1]));
    }
    bench::serve_connections(loops, port, [](bench::Socket socket) {
        const bench::Executor executor = socket.get_executor();
        asio::co_spawn(executor, converse(std::move(socket)), asio::detached);
    });
}
