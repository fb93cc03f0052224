// Recording: a Runnable that writes its number into a log when it runs, and minus its number when it is dropped.
#pragma once

#include <cstddef>
#include <deque>
#include <vector>

#include "scheduler/runnable.hpp"

namespace weft::test {

using Log = std::vector<int>;

class Recording final : public scheduler::Runnable {
public:
    Recording(Log& log, int number) : log_(log), number_(number) {}

    void run() noexcept override { log_.push_back(number_); }
    void drop() noexcept override { log_.push_back(-number_); }

    [[nodiscard]] int number() const { return number_; }

private:
    Log& log_;
    const int number_;
};

// Recordings numbered from 1, so that minus means dropped. They stay where they are.
class Recordings {
public:
    explicit Recordings(int count) {
        for (int number = 1; number <= count; ++number) all_.emplace_back(log_, number);
    }
    Recordings(const Recordings&) = delete;
    Recordings& operator=(const Recordings&) = delete;

    [[nodiscard]] Recording& operator[](int number) { return all_.at(static_cast<std::size_t>(number) - 1); }
    [[nodiscard]] Log& log() { return log_; }

private:
    Log log_;
    std::deque<Recording> all_;
};

// The number of a Recording that comes out of a queue, 0 for null.
inline int number_of(const scheduler::Runnable* runnable) {
    return runnable == nullptr ? 0 : static_cast<const Recording*>(runnable)->number();
}

// The numbers first, first + 1, ... last.
inline Log counting(int first, int last) {
    Log numbers;
    for (int number = first; number <= last; ++number) numbers.push_back(number);
    return numbers;
}

}  // namespace weft::test
