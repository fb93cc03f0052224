#include "sync/fork_join.hpp"

#include <benchmark/benchmark.h>

#include <utility>

#include "bench/micro/join.hpp"
#include "bench/micro/on_loop.hpp"

namespace weft::micro {
namespace {

struct ForkJoining {
    template <class... As>
    auto operator()(As&&... of) const {
        return fork_join(std::forward<As>(of)...);
    }
};

BENCHMARK(on_loop<join_two<ForkJoining>>)->Name("fork_join/two");
BENCHMARK(on_loop<join_range<ForkJoining>>)->Name("fork_join/range")->Arg(100);

}  // namespace
}  // namespace weft::micro
