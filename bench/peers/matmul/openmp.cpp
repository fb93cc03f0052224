#include <cstddef>

#include "bench/peers/matmul/matrices.hpp"
#include "bench/peers/passes.hpp"

namespace {

void multiply(bench::Product product) {
    if (product.size <= bench::kBlock) return bench::multiply_block(product);
    for (std::size_t inner = 0; inner < 2; ++inner) {
#pragma omp task firstprivate(product, inner)
        multiply(product.quadrant(0, 0, inner));
#pragma omp task firstprivate(product, inner)
        multiply(product.quadrant(0, 1, inner));
#pragma omp task firstprivate(product, inner)
        multiply(product.quadrant(1, 0, inner));
        multiply(product.quadrant(1, 1, inner));
#pragma omp taskwait
    }
}

}  // namespace

int main(int argc, char** argv) {
    bench::Passes passes(argc, argv);
    bench::Matrices matrices(passes.size());
#pragma omp parallel num_threads(static_cast<int>(passes.loops()))
#pragma omp single
    while (passes.again()) {
        matrices.clear();
        passes.start();
        multiply(matrices.whole());
        passes.stop();
        passes.give(matrices.check() ? 1 : 0);
    }
    return passes.report();
}
