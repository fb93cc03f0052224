#include <cstddef>

#include <weft/weft.hpp>

#include "bench/peers/matmul/matrices.hpp"
#include "bench/peers/passes.hpp"

namespace {

weft::Coro<> multiply(bench::Product product) {
    if (product.size <= bench::kBlock) {
        bench::multiply_block(product);
        co_return;
    }
    for (std::size_t inner = 0; inner < 2; ++inner) {
        co_await weft::fork_join(multiply(product.quadrant(0, 0, inner)), multiply(product.quadrant(0, 1, inner)),
                                 multiply(product.quadrant(1, 0, inner)), multiply(product.quadrant(1, 1, inner)));
    }
}

weft::Coro<> measure(bench::Passes& passes) {
    bench::Matrices matrices(passes.size());
    while (passes.again()) {
        matrices.clear();
        passes.start();
        co_await multiply(matrices.whole());
        passes.stop();
        passes.give(matrices.check() ? 1 : 0);
    }
}

}  // namespace

int main(int argc, char** argv) {
    bench::Passes passes(argc, argv);
    weft::run(measure(passes), {.loops = static_cast<int>(passes.loops())});
    return passes.report();
}
