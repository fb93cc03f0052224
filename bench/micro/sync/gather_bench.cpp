#include "sync/gather.hpp"

#include <benchmark/benchmark.h>

#include <utility>

#include "bench/micro/join.hpp"
#include "bench/micro/on_loop.hpp"

namespace weft::micro {
namespace {

struct Gathering {
    template <class... As>
    auto operator()(As&&... of) const {
        return gather(std::forward<As>(of)...);
    }
};

BENCHMARK(on_loop<join_two<Gathering>>)->Name("gather/two");
BENCHMARK(on_loop<join_range<Gathering>>)->Name("gather/range")->Arg(1000);

}  // namespace
}  // namespace weft::micro
