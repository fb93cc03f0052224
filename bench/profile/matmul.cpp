#include "bench/profile/report.hpp"

#define main run_passes
#include "bench/peers/matmul/weft.cpp"
#undef main

namespace {

weft::Coro<bench::ProfiledPass> pass(std::size_t size) {
    bench::Matrices matrices(size);
    matrices.clear();
    const auto multiplied = co_await weft::profile(multiply(matrices.whole()));
    co_return bench::ProfiledPass{multiplied.profile, matrices.check() ? 1U : 0U};
}

}  // namespace

int main(int argc, char** argv) { return bench::report_profile(argc, argv, pass); }
