// Passes: how a C++ program of bench/peers/ times itself and what it prints: one line of JSON.
//
//     int main(int argc, char** argv) {
//         bench::Passes passes(argc, argv);                          // called as: program LOOPS SIZE [VARIANT]
//         while (passes.again()) passes.end(fib(passes.size()));     // inside the runtime, whose start is not timed
//         return passes.report();                                    // {"ns": [...], "answer": 55, "rss": 1234}
//     }
//
// A pass that is shorter than kWarmUp is preceded by one that does not count (first page faults, cold caches, threads
// that start late), and repeated until kEnough has been measured; BENCH_PASSES=n in the environment makes it n passes, for
// who counts instructions. The rules for the other languages are the same, see
// passes.go, passes.py and passes.rs.
#pragma once

#include <sys/resource.h>

#include <charconv>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <string>
#include <string_view>
#include <vector>

namespace bench {

// The bytes of this process that are in memory now.
inline std::size_t resident_bytes() {
    std::size_t pages = 0;
    std::ifstream("/proc/self/statm").ignore(32, ' ') >> pages;
    return pages * 4096;
}

// The most that ever were.
inline std::size_t peak_bytes() {
    std::ifstream status("/proc/self/status");
    std::size_t kibibytes = 0;
    for (std::string word; status >> word;) {
        if (word == "VmHWM:") status >> kibibytes;
    }
    return kibibytes * 1024;
}

// A command line that makes no sense: exits with 2.
[[noreturn]] inline void fail(const char* expected, const char* got) {
    std::fprintf(stderr, "expected %s, got '%s'\n", expected, got);
    std::exit(2);
}
// The whole number from 1 on that `text` is.
inline std::size_t number(const char* text, const char* name) {
    std::size_t value = 0;
    const std::string_view all(text);
    const auto [end, error] = std::from_chars(all.data(), all.data() + all.size(), value);
    if (error != std::errc() || end != all.data() + all.size() || value == 0) fail(name, text);
    return value;
}

class Passes {
public:
    // Exits with 2 and says why if the command line makes no sense.
    Passes(int argc, char** argv) {
        if (argc != 3 && argc != 4) fail("LOOPS SIZE [VARIANT]", "");
        loops_ = number(argv[1], "LOOPS");
        size_ = number(argv[2], "SIZE");
        if (argc == 4) variant_ = argv[3];
        if (const char* passes = std::getenv("BENCH_PASSES")) exactly_ = number(passes, "BENCH_PASSES");
    }
    Passes(const Passes&) = delete;
    Passes& operator=(const Passes&) = delete;
    ~Passes() = default;

    [[nodiscard]] std::size_t loops() const { return loops_; }
    [[nodiscard]] std::size_t size() const { return size_; }
    [[nodiscard]] std::string_view variant() const { return variant_; }

    // Count the process's processor time instead of the time that passes: for a problem that waits for timers.
    void count_cpu() { cpu_ = true; }

    // Returns true if one more pass is to be made, and starts the clock.
    [[nodiscard]] bool again() {
        if (exactly_ != 0 ? ended_ == exactly_ : sum_ >= kEnough || ns_.size() == kMost) return false;
        start();
        return true;
    }
    // Starts the clock anew: what the pass prepared does not count.
    void start() { begin_ = now(); }
    // Stops the clock: the answers of all passes must be the same.
    void end(std::uint64_t answer) {
        stop();
        give(answer);
    }
    // The same in two, for an answer that takes its time.
    void stop() { took_ = now() - begin_; }
    void give(std::uint64_t answer) { end_after(took_, answer); }
    // The only pass there is to be.
    void end_only(std::uint64_t answer) { end_once(now() - begin_, answer); }
    // The same for a pass that has timed itself: any, and the only one.
    void end_once(double ns, std::uint64_t answer) {
        ended_ = 1;
        answer_ = answer;
        end_after(ns, answer);
    }
    void end_after(double ns, std::uint64_t answer) {
        if (ended_++ != 0 && answer != answer_) differ(answer);
        answer_ = answer;
        if (exactly_ == 0 && ended_ == 1 && ns < kWarmUp) return;
        ns_.push_back(ns);
        sum_ += ns;
    }

    // One more figure for the report, such as the bytes of one item.
    void also(std::string_view name, double value) {
        extra_ += ", \"" + std::string(name) + "\": " + std::to_string(value);
    }

    [[nodiscard]] int report() const {
        std::printf("{\"ns\": [");
        for (std::size_t i = 0; i < ns_.size(); ++i) std::printf("%s%.0f", i == 0 ? "" : ", ", ns_[i]);
        std::printf("], \"answer\": %llu, \"rss\": %zu%s}\n", static_cast<unsigned long long>(answer_), peak_bytes(),
                    extra_.c_str());
        return 0;
    }

private:
    static constexpr double kWarmUp = 1e9;
    static constexpr double kEnough = 100e6;
    static constexpr std::size_t kMost = 1000;

    [[noreturn]] void differ(std::uint64_t answer) const {
        std::fprintf(stderr, "two passes gave %llu and %llu\n", static_cast<unsigned long long>(answer_),
                     static_cast<unsigned long long>(answer));
        std::exit(1);
    }
    [[nodiscard]] double now() const {
        if (!cpu_) {
            return std::chrono::duration<double, std::nano>(std::chrono::steady_clock::now().time_since_epoch())
                .count();
        }
        rusage usage{};
        getrusage(RUSAGE_SELF, &usage);
        const auto ns = [](const timeval& time) {
            return static_cast<double>(time.tv_sec) * 1e9 + static_cast<double>(time.tv_usec) * 1e3;
        };
        return ns(usage.ru_utime) + ns(usage.ru_stime);
    }

    std::size_t loops_ = 1;
    std::size_t size_ = 1;
    std::string variant_;
    bool cpu_ = false;
    std::size_t exactly_ = 0;
    double begin_ = 0;
    double took_ = 0;
    double sum_ = 0;
    std::size_t ended_ = 0;
    std::uint64_t answer_ = 0;
    std::vector<double> ns_;
    std::string extra_;
};

}  // namespace bench
