// Sockets: echo over loopback TCP between two loops, where whoever reads and writes may be on any loop; bytes through
// sockets of the kernel's, by sock_recv and sock_sendall; reads that are cancelled and connections that are closed at any
// moment. No byte is lost, doubled or out of order, except behind a close.
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <boost/asio/buffer.hpp>
#include <boost/asio/write.hpp>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

#include "api/asio.hpp"
#include "tests/soak/crowd.hpp"
#include "tests/soak/part.hpp"

namespace asio = boost::asio;
using asio::ip::tcp;
using namespace std::chrono_literals;

namespace weft::soak {

namespace {

using Socket = TcpStream::socket_type;
using Acceptor = asio::basic_socket_acceptor<tcp, TcpStream::executor_type>;

// A stream of bytes of which each tells its place.
class Pattern {
public:
    [[nodiscard]] std::string next(std::size_t size) {
        std::string text(size, '\0');
        for (char& byte : text) byte = at(place_++);
        return text;
    }
    // Whether these come next; they are taken.
    [[nodiscard]] bool goes_on_with(std::string_view text) {
        bool right = true;
        for (const char byte : text) right = right && byte == at(place_++);
        return right;
    }
    [[nodiscard]] std::size_t place() const { return place_; }

private:
    static char at(std::size_t place) { return static_cast<char>(place * 2654435761U >> 24); }

    std::size_t place_ = 0;
};

class Sockets final : public Part {
public:
    Sockets() : Part("sockets") {}

    Coro<> round(Random random) override {
        if (random.one_in(3)) {
            co_await descriptors(random);
        } else {
            co_await echoing(random);
        }
    }

private:
    // --- TCP, by Asio ------------------------------------------------------------------------------------------

    // What both ends of a connection agree on.
    struct Talk {
        std::size_t size;  // bytes there and back
        std::size_t cut_off;  // the server closes after so many; never if it is not below size
        tcp::endpoint server;
    };

    // Asio's objects are made, closed and destroyed on their own loop.
    Coro<> echoing(Random random) {
        const auto server = create_task(serves(random.split()), {.loop = &some_loop(random)});
        co_await server;
    }

    Coro<> serves(Random random) {
        Acceptor acceptor(asio_executor(), tcp::endpoint(asio::ip::address_v4::loopback(), 0));
        Talk talk{
            .size = random.from_to(1, 60000), .cut_off = random.below(200000), .server = acceptor.local_endpoint()};
        const auto client = create_task(asks(talk, random.split()), {.loop = &some_loop(random)});
        {
            Socket accepted = co_await acceptor.async_accept(use_coro);
            TcpStream stream(std::move(accepted));
            const auto echo = create_task(echoes(stream, talk), {.loop = somewhere(random)});
            co_await echo;
        }
        co_await client;
    }

    // Until the client has no more to say, or the connection is cut.
    static Coro<> echoes(TcpStream& stream, const Talk& talk) {
        std::array<char, 4096> buffer;
        std::size_t seen = 0;
        try {
            while (seen < talk.size && seen < talk.cut_off) {
                const std::size_t size = co_await stream.async_read_some(asio::buffer(buffer), use_coro);
                seen += size;
                co_await asio::async_write(stream, asio::buffer(buffer.data(), size), use_coro);
            }
        } catch (const std::system_error&) {
            co_return;  // the client will say
        }
    }

    Coro<> asks(const Talk& talk, Random random) {
        Socket socket(asio_executor());
        co_await socket.async_connect(talk.server, use_coro);
        const auto writer = create_task(writes(socket, talk, random.split()), {.loop = somewhere(random)});
        const auto reader = create_task(reads(socket, talk, random.split()), {.loop = somewhere(random)});
        co_await reader;
        co_await writer;
    }

    static Coro<> writes(Socket& socket, const Talk& talk, Random random) {
        Pattern sent;
        try {
            while (sent.place() < talk.size) {
                const std::size_t most = talk.size - sent.place();
                const std::string text = sent.next(std::min<std::size_t>(random.from_to(1, 20000), most));
                co_await asio::async_write(socket, asio::buffer(text), use_coro);
                if (random.one_in(4)) co_await pause(random);
            }
        } catch (const std::system_error&) {
            co_return;  // the reader will say
        }
    }

    Coro<> reads(Socket& socket, const Talk& talk, Random random) {
        Pattern pattern;
        try {
            while (pattern.place() < talk.size) {
                co_await disturbed(reads_some(socket, pattern), random);
                did();
            }
        } catch (const std::system_error&) {
            check(talk.cut_off < talk.size, "a connection was cut by nobody");
            failed();
        }
    }
    // What has come is looked at here: a task that is cancelled in its last step drops the value that it returns.
    Coro<> reads_some(Socket& socket, Pattern& pattern) {
        std::array<char, 4096> buffer;
        const std::size_t size = co_await socket.async_read_some(asio::buffer(buffer), use_coro);
        check(pattern.goes_on_with({buffer.data(), size}), "bytes of a connection are not those that were sent");
    }

    // Undisturbed, as a task of its own that is cancelled, or with a limit of time.
    Coro<> disturbed(Coro<> reading, Random& random) {
        const std::uint32_t kind = random.below(4);
        try {
            if (kind == 0) {
                const auto task = create_task(std::move(reading), {.loop = somewhere(random)});
                co_await pause(random);
                task.cancel();
                co_await task;
            } else if (kind == 1) {
                co_await wait_for(std::move(reading), random.up_to(200us));
            } else {
                co_await std::move(reading);
            }
        } catch (const CancelledError&) {
            cancelled();
        } catch (const TimeoutError&) {
            failed();
        }
    }

    // --- the kernel's descriptors ------------------------------------------------------------------------------

    class Ends {
    public:
        Ends() {
            if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds_.data()) != 0)
                throw std::system_error(errno, std::system_category(), "socketpair");
        }
        Ends(const Ends&) = delete;
        Ends& operator=(const Ends&) = delete;
        ~Ends() {
            for (const int fd : fds_) close(fd);
        }
        [[nodiscard]] int in() const { return fds_[0]; }
        [[nodiscard]] int out() const { return fds_[1]; }

    private:
        std::array<int, 2> fds_{};
    };

    Coro<> descriptors(Random random) {
        const Ends ends;
        const std::size_t size = random.from_to(1, 300000);
        const auto sender = create_task(sends(ends.in(), size, random.split()), {.loop = somewhere(random)});
        Pattern pattern;
        while (pattern.place() < size) {
            co_await disturbed(receives(ends.out(), random.from_to(1, 30000), pattern), random);
            did();
        }
        const std::string end = co_await get_running_loop().sock_recv(ends.out(), 1);
        check(end.empty(), "a descriptor has given more than was sent");
        co_await sender;
    }
    static Coro<> sends(int fd, std::size_t size, Random random) {
        Pattern sent;
        while (sent.place() < size) {
            const std::size_t most = size - sent.place();
            const std::string text = sent.next(std::min<std::size_t>(random.from_to(1, 60000), most));
            co_await get_running_loop().sock_sendall(fd, text);
            if (random.one_in(4)) co_await pause(random);
        }
        shutdown(fd, SHUT_WR);
    }
    Coro<> receives(int fd, std::size_t most, Pattern& pattern) {
        const std::string text = co_await get_running_loop().sock_recv(fd, most);
        check(!text.empty(), "a descriptor is at its end too early");
        check(pattern.goes_on_with(text), "bytes of a descriptor are not those that were sent");
    }
};

}  // namespace

std::unique_ptr<Part> make_sockets() { return std::make_unique<Sockets>(); }

}  // namespace weft::soak
