// Rival: a second thread that does one thing over and over until it is stopped, for what costs most when two meet.
// Measurements with one have "rival" in their names; with --alone (see main.cpp) nothing is measured.
// Who finds nothing to do spins, but gives the core away now and then: both may have to do with one.
#pragma once

#include <benchmark/benchmark.h>

#include <stop_token>
#include <thread>
#include <utility>

namespace weft::micro {

inline bool alone = false;

// Counts vain looks.
class Patience {
public:
    void lose() {
        if (++vain_ % kLooks == 0) std::this_thread::yield();
    }

private:
    static constexpr unsigned kLooks = 1024;
    unsigned vain_ = 0;
};

template <class Predicate>
void spin_until(Predicate ready) {
    for (Patience patience; !ready();) patience.lose();
}

class Rival {
public:
    // `act` returns false if there was nothing to do.
    template <class F>
    Rival(benchmark::State& state, F act) {
        if (alone) {
            state.SkipWithError("needs a second thread");
            return;
        }
        thread_ = std::jthread([act = std::move(act)](const std::stop_token& stop) mutable {
            Patience patience;
            while (!stop.stop_requested()) {
                if (!act()) patience.lose();
            }
        });
    }

    // Returns when the last act has ended.
    void stop() { thread_ = std::jthread(); }

private:
    std::jthread thread_;
};

}  // namespace weft::micro
