#include "bench/profile/report.hpp"

#define main run_passes
#include "bench/peers/fib/weft.cpp"
#undef main

namespace {

weft::Coro<bench::ProfiledPass> pass(std::size_t size) {
    const auto [answer, profile] = co_await weft::profile(fib(size));
    co_return bench::ProfiledPass{profile, answer};
}

}  // namespace

int main(int argc, char** argv) { return bench::report_profile(argc, argv, pass); }
