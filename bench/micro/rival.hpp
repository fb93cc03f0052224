// Rival: a second thread that does one thing over and over until it is stopped, for what costs most when two meet.
// Measurements with one have "rival" in their names; with --alone (see main.cpp) there is none, and nothing is measured.
#pragma once

#include <benchmark/benchmark.h>

#include <stop_token>
#include <thread>
#include <utility>

namespace weft::micro {

inline bool alone = false;

class Rival {
public:
    template <class F>
    Rival(benchmark::State& state, F act) {
        if (alone) {
            state.SkipWithError("needs a second thread");
            return;
        }
        thread_ = std::jthread([act = std::move(act)](const std::stop_token& stop) mutable {
            while (!stop.stop_requested()) act();
        });
    }

    // Returns when the last act has ended.
    void stop() { thread_ = std::jthread(); }

private:
    std::jthread thread_;
};

}  // namespace weft::micro
