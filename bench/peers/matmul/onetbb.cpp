#include <cstddef>

#include <oneapi/tbb/global_control.h>
#include <oneapi/tbb/task_arena.h>
#include <oneapi/tbb/task_group.h>

#include "bench/peers/matmul/matrices.hpp"
#include "bench/peers/passes.hpp"

namespace {

void multiply(bench::Product product) {
    if (product.size <= bench::kBlock) return bench::multiply_block(product);
    for (std::size_t inner = 0; inner < 2; ++inner) {
        tbb::task_group group;
        group.run([product, inner] { multiply(product.quadrant(0, 0, inner)); });
        group.run([product, inner] { multiply(product.quadrant(0, 1, inner)); });
        group.run([product, inner] { multiply(product.quadrant(1, 0, inner)); });
        multiply(product.quadrant(1, 1, inner));
        group.wait();
    }
}

}  // namespace

int main(int argc, char** argv) {
    bench::Passes passes(argc, argv);
    const tbb::global_control limit(tbb::global_control::max_allowed_parallelism, passes.loops());
    tbb::task_arena arena(static_cast<int>(passes.loops()));
    bench::Matrices matrices(passes.size());
    arena.execute([&] {
        while (passes.again()) {
            matrices.clear();
            passes.start();
            multiply(matrices.whole());
            passes.stop();
            passes.give(matrices.check() ? 1 : 0);
        }
    });
    return passes.report();
}
