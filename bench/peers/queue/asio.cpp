// A put of a full channel and a get of an empty one wait; the channel calls both through Asio's executor.
#include <cstddef>
#include <cstdint>
#include <exception>
#include <numeric>
#include <vector>

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

constexpr std::size_t kRoom = 128;
constexpr boost::system::error_code kNoError;

// What need not wait takes the short way: an operation always goes through the executor.
template <class AnyChannel>
bench::Awaitable<> produce(AnyChannel& channel, std::uint64_t begin, std::uint64_t end) {
    for (std::uint64_t number = begin; number < end; ++number) {
        if (!channel.try_send(kNoError, number)) co_await channel.async_send(kNoError, number, asio::deferred);
    }
}

template <class AnyChannel>
bench::Awaitable<> consume(AnyChannel& channel, std::uint64_t count, std::uint64_t& sum) {
    std::uint64_t got = 0;
    const auto take = [&got](boost::system::error_code, std::uint64_t number) { got = number; };
    for (std::uint64_t i = 0; i < count; ++i) {
        if (!channel.try_receive(take)) got = co_await channel.async_receive(asio::deferred);
        sum += got;
    }
}

template <class AnyChannel>
bench::Awaitable<> measure(bench::Passes& passes) {
    const bench::Executor executor = co_await asio::this_coro::executor;
    const std::size_t producers = passes.variant() == "one_one" ? 1 : 8;
    const std::size_t consumers = passes.variant() == "n_n" ? 8 : 1;
    while (passes.again()) {
        AnyChannel channel(executor, kRoom);
        bench::Latch latch(producers + consumers);
        const auto count_down = [&latch](std::exception_ptr) { latch.count_down(); };
        std::vector<std::uint64_t> sums(consumers);
        const std::uint64_t share = passes.size() / producers;
        for (std::size_t i = 0; i < producers; ++i) {
            asio::co_spawn(executor, produce(channel, i * share, (i + 1) * share), count_down);
        }
        for (std::uint64_t& sum : sums) {
            asio::co_spawn(executor, consume(channel, passes.size() / consumers, sum), count_down);
        }
        co_await latch.wait();
        passes.end(std::accumulate(sums.begin(), sums.end(), std::uint64_t{0}));
    }
}

}  // namespace

int main(int argc, char** argv) {
    bench::Passes passes(argc, argv);
    const bool alone = passes.loops() == 1;
    bench::run(passes.loops(), alone ? measure<Channel>(passes) : measure<ConcurrentChannel>(passes));
    return passes.report();
}
