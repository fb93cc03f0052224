// Channels with room for one number: sending suspends nobody, the sender suspends when it waits for the answer.
#include <cstdint>

#include <boost/asio/deferred.hpp>
#include <boost/asio/experimental/channel.hpp>
#include <boost/asio/experimental/concurrent_channel.hpp>

#include "bench/peers/asio.hpp"
#include "bench/peers/passes.hpp"

namespace {

namespace asio = boost::asio;

using Signature = void(boost::system::error_code, std::uint64_t);
using Channel = asio::experimental::channel<bench::Executor, Signature>;
using ConcurrentChannel = asio::experimental::concurrent_channel<bench::Executor, Signature>;

constexpr boost::system::error_code kNoError;

template <class AnyChannel>
bench::Awaitable<> answer(AnyChannel& ping, AnyChannel& pong, std::uint64_t rounds) {
    for (std::uint64_t i = 0; i < rounds; ++i) {
        const std::uint64_t number = co_await ping.async_receive(asio::deferred);
        pong.try_send(kNoError, number + 1);
    }
}

template <class AnyChannel>
bench::Awaitable<> measure(bench::Passes& passes) {
    const bench::Executor executor = co_await asio::this_coro::executor;
    AnyChannel ping(executor, 1);
    AnyChannel pong(executor, 1);
    while (passes.again()) {
        std::uint64_t number = 0;
        asio::co_spawn(executor, answer(ping, pong, passes.size()), bench::rethrow);
        for (std::uint64_t i = 0; i < passes.size(); ++i) {
            ping.try_send(kNoError, number);
            number = co_await pong.async_receive(asio::deferred);
        }
        passes.end(number);
    }
}

}  // namespace

int main(int argc, char** argv) {
    bench::Passes passes(argc, argv);
    const bool alone = passes.loops() == 1;
    bench::run(passes.loops(), alone ? measure<Channel>(passes) : measure<ConcurrentChannel>(passes));
    return passes.report();
}
