#include "scheduler/usable_cores.hpp"

#include <doctest/doctest.h>
#include <sched.h>

#include <thread>

using weft::scheduler::cores_of_cpu_max;
using weft::scheduler::usable_cores;

TEST_CASE("usable cores: cpu.max, rounded up") {
    CHECK(cores_of_cpu_max("200000 100000\n") == 2);
    CHECK(cores_of_cpu_max("200000 100000") == 2);
    CHECK(cores_of_cpu_max("250000 100000\n") == 3);
    CHECK(cores_of_cpu_max("200001 100000\n") == 3);
    CHECK(cores_of_cpu_max("50000 100000\n") == 1);
    CHECK(cores_of_cpu_max("1 1000000\n") == 1);
    CHECK(cores_of_cpu_max("6400000 50000\n") == 128);
}

TEST_CASE("usable cores: no quota is no limit") {
    CHECK_FALSE(cores_of_cpu_max("max 100000\n"));
    CHECK_FALSE(cores_of_cpu_max("max\n"));
    CHECK_FALSE(cores_of_cpu_max("-1 100000\n"));
}

TEST_CASE("usable cores: garbage is no limit, never a crash") {
    for (const char* text :
         {"", " ", "\n", "  ", "100000", "100000 ", " 100000", "100000 max", "0 100000", "100000 0", "100000 -5",
          "x 100000", "100000 x", "99999999999999999999 100000", "100000 99999999999999999999", "100000\t100000"}) {
        CAPTURE(text);
        CHECK_FALSE(cores_of_cpu_max(text));
    }
    CHECK(cores_of_cpu_max("9223372036854775807 9223372036854775807") == 1);
    CHECK(cores_of_cpu_max("9223372036854775807 2") == 4611686018427387904U);
}

TEST_CASE("usable cores: at least one, and no more than the affinity mask allows") {
    cpu_set_t mask;
    REQUIRE(sched_getaffinity(0, sizeof mask, &mask) == 0);
    CHECK(usable_cores() >= 1);
    CHECK(usable_cores() <= static_cast<std::size_t>(CPU_COUNT(&mask)));
}

TEST_CASE("usable cores: a thread with one core in its mask may use one") {
    std::size_t cores = 0;
    std::thread([&cores] {
        cpu_set_t mask;
        if (sched_getaffinity(0, sizeof mask, &mask) != 0) return;
        for (std::size_t core = 0; core < CPU_SETSIZE; ++core) {
            if (!CPU_ISSET(core, &mask)) continue;
            CPU_ZERO(&mask);
            CPU_SET(core, &mask);
            break;
        }
        if (sched_setaffinity(0, sizeof mask, &mask) == 0) cores = usable_cores();
    }).join();
    CHECK(cores == 1);
}
