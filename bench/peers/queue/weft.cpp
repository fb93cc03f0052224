#include <cstddef>
#include <cstdint>
#include <vector>

#include <weft/weft.hpp>

#include "bench/peers/passes.hpp"

namespace {

constexpr std::ptrdiff_t kRoom = 128;

using Numbers = weft::Queue<std::uint64_t>;

weft::Coro<> produce(Numbers& queue, std::uint64_t begin, std::uint64_t end) {
    for (std::uint64_t number = begin; number < end; ++number) co_await queue.put(number);
}

weft::Coro<std::uint64_t> consume(Numbers& queue, std::uint64_t count) {
    std::uint64_t sum = 0;
    for (std::uint64_t i = 0; i < count; ++i) sum += co_await queue.get();
    co_return sum;
}

weft::Coro<> measure(bench::Passes& passes) {
    const std::uint64_t producers = passes.variant() == "one_one" ? 1 : 8;
    const std::uint64_t consumers = passes.variant() == "n_n" ? 8 : 1;
    while (passes.again()) {
        Numbers queue(kRoom);
        std::vector<weft::Task<>> producing;
        std::vector<weft::Task<std::uint64_t>> consuming;
        const std::uint64_t share = passes.size() / producers;
        for (std::uint64_t i = 0; i < producers; ++i) {
            producing.push_back(weft::create_task(produce(queue, i * share, (i + 1) * share)));
        }
        for (std::uint64_t i = 0; i < consumers; ++i) {
            consuming.push_back(weft::create_task(consume(queue, passes.size() / consumers)));
        }
        for (const weft::Task<>& task : producing) co_await task;
        std::uint64_t sum = 0;
        for (const weft::Task<std::uint64_t>& task : consuming) sum += co_await task;
        passes.end(sum);
    }
}

}  // namespace

int main(int argc, char** argv) {
    bench::Passes passes(argc, argv);
    weft::run(measure(passes), {.loops = static_cast<int>(passes.loops())});
    return passes.report();
}
