// Plain variables, of which the code says nothing: the compiler tells the explorer. Only clang does it as needed here,
// and not together with another sanitizer.
#if defined(__has_feature)
#if __has_feature(thread_sanitizer)

#include "tests/model/plain_memory.hpp"

#include <doctest/doctest.h>

#include <cstdint>
#include <cstring>
#include <memory>

#include "scheduler/fifo.hpp"
#include "scheduler/spin_lock.hpp"
#include "tests/model/explorer.hpp"

using weft::model::Atomic;
using weft::model::explore;
using weft::model::Report;
using weft::model::require;
using weft::model::together;
using weft::scheduler::Fifo;
using weft::scheduler::Runnable;
using weft::scheduler::SpinLock;

namespace {

Report hand_over(std::memory_order publish) {
    return explore({}, [publish] {
        int data = 0;
        Atomic<bool> ready{false};
        together({[&] {
                      data = 1;
                      ready.store(true, publish);
                  },
                  [&] {
                      if (ready.load(std::memory_order_acquire)) require(data == 1, "handed over");
                  }});
    });
}

// What one thread made and another frees.
Report give_away(std::memory_order publish) {
    return explore({}, [publish] {
        Atomic<int*> given{nullptr};
        int* freed = nullptr;
        together({[&] { given.store(new int(1), publish); },
                  [&] {
                      freed = given.load(std::memory_order_acquire);
                      delete freed;
                  }});
        if (freed == nullptr) delete given.load();
    });
}

class Item final : public Runnable {
public:
    void run() noexcept override {}
    void drop() noexcept override {}
};

}  // namespace

TEST_CASE("plain memory: a race of variables that nobody marked") {
    const Report ordered = hand_over(std::memory_order_release);
    CHECK_MESSAGE(ordered.passed(), ordered.text());
    CHECK(hand_over(std::memory_order_relaxed).failure.starts_with("data race: read of 4 bytes at pc 0x"));
}

TEST_CASE("plain memory: neighbours in one word are not each other's; a part and the whole are") {
    struct Pair {
        std::uint16_t first = 0;
        std::uint16_t second = 0;
    };
    CHECK(explore({}, [] {
              Pair pair;
              together({[&] { pair.first = 1; }, [&] { pair.second = 1; }});
              require(pair.first + pair.second == 2, "both were written");
          }).passed());
    CHECK(explore({}, [] {
              Pair pair;
              together({[&] { pair.second = 1; }, [&] { *reinterpret_cast<volatile std::uint32_t*>(&pair) = 1; }});
          }).failure.starts_with("data race: "));
}

TEST_CASE("plain memory: freed by one while another may still write it") {
    CHECK(give_away(std::memory_order_release).passed());
    CHECK(give_away(std::memory_order_relaxed).failure.starts_with("data race: write of 4 bytes at pc 0x"));
}

// By threads, the body, or both: no race, for they are ordered.
TEST_CASE("plain memory: freed twice, or used by who freed it") {
    const auto free_it = [](const int* memory) { delete memory; };
    CHECK(explore({}, [&] {
              together({[&] {
                  const int* volatile memory = new int(1);  // the compiler shall not see that it is one
                  free_it(memory);
                  free_it(memory);
              }});
          }).failure.starts_with("freed memory: write of 4 bytes at pc 0x"));
    CHECK(explore({}, [&] {
              const int* memory = nullptr;
              together({[&] {
                  memory = new int(1);
                  free_it(memory);
              }});
              free_it(memory);
          }).failure.starts_with("freed memory: write of 1 bytes at pc 0x"));
    CHECK(explore({}, [&] {
              together({[&] {
                  volatile int* const memory = new int(1);
                  free_it(const_cast<int*>(memory));
                  *memory = 2;
              }});
          }).failure.starts_with("freed memory: write of 4 bytes at pc 0x"));
}

TEST_CASE("plain memory: what was freed may be new again") {
    const Report again = explore({}, [] {
        const int* memory = nullptr;
        together({[&] {
            for (int i = 0; i < 3; ++i) {
                memory = new int(i);
                require(*memory == i, "it is written");
                delete memory;
            }
            memory = new int(3);
        }});
        delete memory;
    });
    CHECK_MESSAGE(again.passed(), again.text());
}

// Of what the C library reads nobody tells.
TEST_CASE("plain memory: what was freed reads as nothing sensible, and comes again first") {
    const Report report = explore({}, [] {
        together({[] {
            const int* volatile memory = new int(1);
            const int* const before = memory;
            delete memory;
            std::uint32_t left = 0;
            const volatile std::size_t bytes = sizeof left;  // not known: a call of the library's
            std::memcpy(&left, const_cast<const int*>(memory), bytes);
            require(left == 0xdddddddd, "its filling");
            memory = new int(2);
            require(memory == before, "the same place");
            delete memory;
        }});
    });
    CHECK_MESSAGE(report.passed(), report.text());
}

// The place in memory of what is counted is soon that of something else.
TEST_CASE("plain memory: what was known of an old count hides no memory that is not freed") {
    CHECK(explore({}, [] {
              together({[] {
                  for (int i = 0; i < 2; ++i) {
                      const auto owner = std::make_shared<int>(i);
                      const auto other = owner;  // NOLINT(performance-unnecessary-copy-initialization): counted
                  }
                  static thread_local int* kept = nullptr;
                  kept = new int(kept == nullptr ? 1 : 2);
              }});
          }).failure == "memory is not freed");
}

TEST_CASE("plain memory: the count of an exception orders nobody with a later one in its place") {
    const auto fail_once = [] {
        try {
            throw 0;
        } catch (int) {
            return;
        }
    };
    CHECK(explore({}, [&] {
              int data = 0;
              Atomic<bool> failed{false};
              together({[&] {
                            data = 1;
                            fail_once();
                            failed.store(true, std::memory_order_relaxed);
                        },
                        [&] {
                            if (!failed.load(std::memory_order_relaxed)) return;
                            fail_once();
                            data = 2;
                        }});
          }).failure.starts_with("data race: "));
}

TEST_CASE("plain memory: a Fifo under a SpinLock is safe, without it is not") {
    const auto push_twice = [](auto lock, auto unlock) {
        return explore({}, [=] {
            SpinLock spin_lock;
            Fifo fifo;
            Item first;
            Item second;
            const auto push = [&](Item& item) {
                lock(spin_lock);
                fifo.push(item);
                unlock(spin_lock);
            };
            together({[&] { push(first); }, [&] { push(second); }});
            require(fifo.size() == 2, "both were pushed");
        });
    };
    const Report locked = push_twice([](SpinLock& lock) { lock.lock(); }, [](SpinLock& lock) { lock.unlock(); });
    CHECK_MESSAGE(locked.passed(), locked.text());
    const Report bare = push_twice([](SpinLock&) {}, [](SpinLock&) {});
    CHECK(bare.failure.starts_with("data race: "));
}

#endif
#endif
