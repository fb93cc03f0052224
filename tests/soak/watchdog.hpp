// Watchdog: a thread that looks at the load from outside, once a second. It prints how far each part is, once a minute,
// tells of rescues as they come, and ends the program when a part does not move: with the tasks that there are and what
// they wait for, where a hang would say nothing.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "api/runtime.hpp"
#include "tests/soak/part.hpp"

namespace weft::soak {

using Parts = std::vector<std::unique_ptr<Part>>;

// A line for each part: operations, cancels, failures checked.
void print_counts(const Parts& parts, const std::string& title);

// Returns lines that name the loops that have lost wake-ups, and how many; "" if none has.
[[nodiscard]] std::string describe_rescues(const Runtime& runtime);

class Watchdog {
public:
    // Both outlive it.
    Watchdog(const Runtime& runtime, const Parts& parts);
    Watchdog(const Watchdog&) = delete;
    Watchdog& operator=(const Watchdog&) = delete;
    ~Watchdog();

private:
    struct Seen {
        std::uint64_t operations = 0;
        std::uint32_t still = 0;  // seconds
    };

    void watch();
    void look_for_rescues();
    void look_for_stall();
    [[noreturn]] void bite(const std::string& stalled) const;

    const Runtime& runtime_;
    const Parts& parts_;
    std::vector<Seen> seen_;
    std::string rescues_;
    std::mutex mutex_;
    std::condition_variable ended_;
    bool over_ = false;  // under the mutex
    std::thread thread_;
};

}  // namespace weft::soak
