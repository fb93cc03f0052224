// TcpStream: an Asio TCP socket whose writes try the system call first. Takes any completion token and can be used wherever
// Asio or Beast want an AsyncStream.
//
//     weft::TcpStream stream(std::move(socket));
//     std::size_t n = co_await stream.async_write_some(buffer, weft::use_coro);
//
// A write that the kernel takes at once costs one send() and no suspension; Asio's own socket would allocate an
// operation, queue its completion and run it in the next round. A read goes to Asio: mostly there is nothing yet, and
// Asio makes the attempt itself.
//
// Thread: the loop whose context the socket belongs to (use_coro sees to that). Cancel: as the socket's.
#pragma once

#include <boost/asio/associated_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <cstddef>
#include <type_traits>
#include <utility>

#include "io/immediate.hpp"
#include "io/reactor.hpp"

namespace weft {

class TcpStream {
public:
    using executor_type = boost::asio::io_context::executor_type;
    using socket_type = boost::asio::basic_stream_socket<boost::asio::ip::tcp, executor_type>;

    // Makes the socket non-blocking. Throws boost::system::system_error if that fails.
    explicit TcpStream(socket_type socket) : socket_(std::move(socket)) { socket_.non_blocking(true); }

    [[nodiscard]] executor_type get_executor() noexcept { return socket_.get_executor(); }
    [[nodiscard]] socket_type& socket() noexcept { return socket_; }

    template <class Buffers, class Token>
    auto async_read_some(const Buffers& buffers, Token&& token) {
        return boost::asio::async_initiate<Token, void(boost::system::error_code, std::size_t)>(Read{this}, token,
                                                                                                buffers);
    }

    template <class Buffers, class Token>
    auto async_write_some(const Buffers& buffers, Token&& token) {
        return boost::asio::async_initiate<Token, void(boost::system::error_code, std::size_t)>(Write{this}, token,
                                                                                                buffers);
    }

private:
    struct Read {
        TcpStream* stream;
        using executor_type = TcpStream::executor_type;
        [[nodiscard]] executor_type get_executor() const noexcept { return stream->get_executor(); }

        template <class Handler, class Buffers>
        void operator()(Handler&& handler, const Buffers& buffers) const {
            stream->begin_read(std::forward<Handler>(handler), buffers);
        }
    };

    struct Write {
        TcpStream* stream;
        using executor_type = TcpStream::executor_type;
        [[nodiscard]] executor_type get_executor() const noexcept { return stream->get_executor(); }

        template <class Handler, class Buffers>
        void operator()(Handler&& handler, const Buffers& buffers) const {
            stream->begin_write(std::forward<Handler>(handler), buffers);
        }
    };

    template <class Handler, class Buffers>
    void begin_read(Handler&& handler, const Buffers& buffers) {
        socket_.async_read_some(buffers, std::forward<Handler>(handler));
    }

    template <class Handler, class Buffers>
    void begin_write(Handler&& handler, const Buffers& buffers) {
        if (io::Immediate* immediate = immediate_for(handler)) {
            boost::system::error_code error;
            const std::size_t size = socket_.write_some(buffers, error);
            if (error != boost::asio::error::would_block) {
                return immediate->complete(std::forward<Handler>(handler), error, size);
            }
        }
        socket_.async_write_some(buffers, std::forward<Handler>(handler));
    }

    // Null off the socket's own loop, and for a handler that wants to run elsewhere.
    template <class Handler>
    [[nodiscard]] io::Immediate* immediate_for(const Handler& handler) {
        using Wanted = boost::asio::associated_executor_t<Handler, executor_type>;
        if constexpr (!std::is_same_v<Wanted, executor_type>) {
            return nullptr;
        } else if (boost::asio::get_associated_executor(handler, get_executor()) != get_executor()) {
            return nullptr;
        } else {
            return immediate_here();
        }
    }
    [[nodiscard]] io::Immediate* immediate_here() {
        scheduler::Loop* here = scheduler::current_loop();
        io::Reactor* reactor = here == nullptr ? nullptr : io::reactor_of(*here);
        return reactor != nullptr && &reactor->context() == &socket_.get_executor().context() ? &reactor->immediate()
                                                                                              : nullptr;
    }

    socket_type socket_;
};

}  // namespace weft
