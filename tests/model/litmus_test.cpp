// The explorer's own test: small programs whose outcomes the C++20 model settles. Each states all outcomes that must be
// seen; one more or one less fails. Where the explorer is stronger than C++20 (memory.hpp says why), it says so.
#include <doctest/doctest.h>

#include <functional>
#include <set>
#include <string>

#include "tests/model/atomic.hpp"
#include "tests/model/explorer.hpp"

using weft::model::Atomic;
using weft::model::explore;
using weft::model::fence;
using weft::model::kUnbounded;
using weft::model::Limits;
using weft::model::Reads;
using weft::model::together;

namespace {

using Outcomes = std::set<std::string>;

constexpr auto kRelaxed = std::memory_order_relaxed;
constexpr auto kAcquire = std::memory_order_acquire;
constexpr auto kRelease = std::memory_order_release;
constexpr auto kAcqRel = std::memory_order_acq_rel;
constexpr auto kSeqCst = std::memory_order_seq_cst;

constexpr Limits kEverything{.preemptions = kUnbounded};

// What the threads of a litmus test work on: two or three locations and four registers.
struct Machine {
    Atomic<int> x{0};
    Atomic<int> y{0};
    int a = 0;
    int b = 0;
    int c = 0;
    int d = 0;

    [[nodiscard]] std::string ab() const { return std::to_string(a) + ' ' + std::to_string(b); }
    [[nodiscard]] std::string abcd() const { return ab() + ' ' + std::to_string(c) + ' ' + std::to_string(d); }
    [[nodiscard]] std::string xy() const {
        return std::to_string(x.load(kRelaxed)) + ' ' + std::to_string(y.load(kRelaxed));
    }
};

// All outcomes of a program within the limits; the search must have been complete.
Outcomes outcomes(const std::function<std::string(Machine&)>& program, const Limits& limits = kEverything) {
    Outcomes seen;
    const auto report = explore(limits, [&] {
        Machine machine;
        seen.insert(program(machine));
    });
    CHECK_MESSAGE(report.passed(), report.text());
    CHECK(report.complete);
    return seen;
}

Outcomes message_passing(std::memory_order publish, std::memory_order look) {
    return outcomes([=](Machine& m) {
        together({[&] {
                      m.x.store(1, kRelaxed);
                      m.y.store(1, publish);
                  },
                  [&] {
                      m.a = m.y.load(look);
                      m.b = m.x.load(kRelaxed);
                  }});
        return m.ab();
    });
}

Outcomes store_buffering(std::memory_order stores, std::memory_order loads) {
    return outcomes([=](Machine& m) {
        together({[&] {
                      m.x.store(1, stores);
                      m.a = m.y.load(loads);
                  },
                  [&] {
                      m.y.store(1, stores);
                      m.b = m.x.load(loads);
                  }});
        return m.ab();
    });
}

// Both writers, and two readers that look in opposite order: a and b, c and d.
Outcomes independent_reads(std::memory_order stores, std::memory_order loads) {
    return outcomes([=](Machine& m) {
        together({[&] { m.x.store(1, stores); }, [&] { m.y.store(1, stores); },
                  [&] {
                      m.a = m.x.load(loads);
                      m.b = m.y.load(loads);
                  },
                  [&] {
                      m.c = m.y.load(loads);
                      m.d = m.x.load(loads);
                  }});
        return m.abcd();
    });
}

}  // namespace

TEST_CASE("litmus: message passing (MP)") {
    const Outcomes ordered{"0 0", "0 1", "1 1"};
    Outcomes weak = ordered;
    weak.insert("1 0");
    CHECK(message_passing(kRelease, kAcquire) == ordered);
    CHECK(message_passing(kSeqCst, kSeqCst) == ordered);
    CHECK(message_passing(kRelaxed, kAcquire) == weak);
    CHECK(message_passing(kRelease, kRelaxed) == weak);
    CHECK(message_passing(kRelaxed, kRelaxed) == weak);
}

TEST_CASE("litmus: message passing by fences") {
    const auto by_fences = [](auto publish, auto look) {
        return outcomes([=](Machine& m) {
            together({[&] {
                          m.x.store(1, kRelaxed);
                          publish();
                          m.y.store(1, kRelaxed);
                      },
                      [&] {
                          m.a = m.y.load(kRelaxed);
                          look();
                          m.b = m.x.load(kRelaxed);
                      }});
            return m.ab();
        });
    };
    const auto release = [] { fence(kRelease); };
    const auto acquire = [] { fence(kAcquire); };
    const auto nothing = [] {};
    const Outcomes ordered{"0 0", "0 1", "1 1"};
    const Outcomes weak{"0 0", "0 1", "1 0", "1 1"};
    CHECK(by_fences(release, acquire) == ordered);
    CHECK(by_fences(nothing, acquire) == weak);
    CHECK(by_fences(release, nothing) == weak);
    CHECK(by_fences(acquire, release) == weak);  // the wrong ones
}

TEST_CASE("litmus: store buffering (SB)") {
    const Outcomes total{"0 1", "1 0", "1 1"};
    const Outcomes weak{"0 0", "0 1", "1 0", "1 1"};
    CHECK(store_buffering(kSeqCst, kSeqCst) == total);
    CHECK(store_buffering(kRelease, kAcquire) == weak);
    CHECK(store_buffering(kSeqCst, kAcquire) == weak);  // one seq_cst side orders nothing
    CHECK(store_buffering(kRelease, kSeqCst) == weak);
}

TEST_CASE("litmus: store buffering with read-modify-writes") {
    const auto exchanged = [](std::memory_order order) {
        return outcomes([=](Machine& m) {
            together({[&] {
                          m.x.exchange(1, order);
                          m.a = m.y.load(order == kSeqCst ? kSeqCst : kAcquire);
                      },
                      [&] {
                          m.y.exchange(1, order);
                          m.b = m.x.load(order == kSeqCst ? kSeqCst : kAcquire);
                      }});
            return m.ab();
        });
    };
    CHECK(exchanged(kSeqCst) == Outcomes{"0 1", "1 0", "1 1"});
    CHECK(exchanged(kAcqRel) == Outcomes{"0 0", "0 1", "1 0", "1 1"});
}

TEST_CASE("litmus: store buffering with seq_cst fences") {
    const auto fenced = [](auto second) {
        return outcomes([=](Machine& m) {
            together({[&] {
                          m.x.store(1, kRelaxed);
                          fence(kSeqCst);
                          m.a = m.y.load(kRelaxed);
                      },
                      [&] {
                          m.y.store(1, kRelaxed);
                          second();
                          m.b = m.x.load(kRelaxed);
                      }});
            return m.ab();
        });
    };
    CHECK(fenced([] { fence(kSeqCst); }) == Outcomes{"0 1", "1 0", "1 1"});
    CHECK(fenced([] {}) == Outcomes{"0 0", "0 1", "1 0", "1 1"});
}

TEST_CASE("litmus: a seq_cst fence on one side, seq_cst accesses on the other") {
    CHECK(outcomes([](Machine& m) {
              together({[&] {
                            m.x.store(1, kRelaxed);
                            fence(kSeqCst);
                            m.a = m.y.load(kRelaxed);
                        },
                        [&] {
                            m.y.store(1, kSeqCst);
                            m.b = m.x.load(kSeqCst);
                        }});
              return m.ab();
          }) == Outcomes{"0 1", "1 0", "1 1"});
}

TEST_CASE("litmus: load buffering (LB): C++20 allows 1 1, this model does not produce it") {
    CHECK(outcomes([](Machine& m) {
              together({[&] {
                            m.a = m.x.load(kRelaxed);
                            m.y.store(1, kRelaxed);
                        },
                        [&] {
                            m.b = m.y.load(kRelaxed);
                            m.x.store(1, kRelaxed);
                        }});
              return m.ab();
          }) == Outcomes{"0 0", "0 1", "1 0"});
}

TEST_CASE("litmus: two writers in opposite order (2+2W): C++20 allows 1 1, this model does not produce it") {
    CHECK(outcomes([](Machine& m) {
              together({[&] {
                            m.x.store(1, kRelaxed);
                            m.y.store(2, kRelaxed);
                        },
                        [&] {
                            m.y.store(1, kRelaxed);
                            m.x.store(2, kRelaxed);
                        }});
              return m.xy();
          }) == Outcomes{"1 2", "2 1", "2 2"});
}

TEST_CASE("litmus: independent reads of independent writes (IRIW)") {
    const std::string disagree = "1 0 1 0";  // one reader sees x first, the other y
    const Outcomes acquired = independent_reads(kRelease, kAcquire);
    CHECK(acquired.size() == 16);
    CHECK(acquired.contains(disagree));
    CHECK(independent_reads(kRelaxed, kRelaxed).size() == 16);
    const Outcomes total = independent_reads(kSeqCst, kSeqCst);
    CHECK(total.size() == 15);
    CHECK_FALSE(total.contains(disagree));
    // [atomics.order]: x's reader precedes whoever did not see it yet, whatever the order of the store.
    CHECK(independent_reads(kRelaxed, kSeqCst) == total);
}

TEST_CASE("litmus: coherence of reads (CoRR)") {
    CHECK(outcomes([](Machine& m) {
              together({[&] {
                            m.x.store(1, kRelaxed);
                            m.x.store(2, kRelaxed);
                        },
                        [&] {
                            m.a = m.x.load(kRelaxed);
                            m.b = m.x.load(kRelaxed);
                        }});
              return m.ab();
          }) == Outcomes{"0 0", "0 1", "0 2", "1 1", "1 2", "2 2"});
}

TEST_CASE("litmus: coherence of a write and a read (CoWR, CoRW)") {
    CHECK(outcomes([](Machine& m) {  // CoWR: one's own store hides what is older
              together({[&] {
                            m.x.store(1, kRelaxed);
                            m.a = m.x.load(kRelaxed);
                        },
                        [&] { m.x.store(2, kRelaxed); }});
              m.b = m.x.load(kRelaxed);
              return m.ab();
          }) == Outcomes{"1 1", "1 2", "2 2"});
    CHECK(outcomes([](Machine& m) {  // CoRW: what one has read is older than one's store
              together({[&] {
                            m.a = m.x.load(kRelaxed);
                            m.x.store(1, kRelaxed);
                        },
                        [&] { m.x.store(2, kRelaxed); }});
              m.b = m.x.load(kRelaxed);
              return m.ab();
          }) == Outcomes{"0 1", "0 2", "2 1"});
}

TEST_CASE("litmus: causality over three threads (WRC)") {
    const auto chain = [](std::memory_order publish) {
        return outcomes([=](Machine& m) {
            together({[&] { m.x.store(1, kRelaxed); },
                      [&] {
                          m.a = m.x.load(kRelaxed);
                          m.y.store(1, publish);
                      },
                      [&] {
                          m.b = m.y.load(kAcquire);
                          m.c = m.x.load(kRelaxed);
                      }});
            return m.abcd();
        });
    };
    CHECK_FALSE(chain(kRelease).contains("1 1 0 0"));
    CHECK(chain(kRelaxed).contains("1 1 0 0"));
    CHECK(chain(kRelease).size() == 7);
}

TEST_CASE("litmus: a release sequence goes on through read-modify-writes, not through stores") {
    const auto sequence = [](auto second) {
        return outcomes([=](Machine& m) {
            together({[&] {
                          m.x.store(1, kRelaxed);
                          m.y.store(1, kRelease);
                      },
                      [&] { second(m.y); },
                      [&] {
                          m.a = m.y.load(kAcquire);
                          m.b = m.x.load(kRelaxed);
                      }});
            return m.ab();
        });
    };
    const Outcomes added = sequence([](Atomic<int>& y) { y.fetch_add(1, kRelaxed); });
    CHECK(added == Outcomes{"0 0", "0 1", "1 0", "1 1", "2 1"});  // 1 0: the addition came first
    const Outcomes stored = sequence([](Atomic<int>& y) { y.store(2, kRelaxed); });
    CHECK(stored == Outcomes{"0 0", "0 1", "1 1", "2 0", "2 1"});
}

TEST_CASE("litmus: in C++20 a relaxed store of the same thread ends the release sequence") {
    CHECK(outcomes([](Machine& m) {
              together({[&] {
                            m.x.store(1, kRelaxed);
                            m.y.store(1, kRelease);
                            m.y.store(2, kRelaxed);
                        },
                        [&] {
                            m.a = m.y.load(kAcquire);
                            m.b = m.x.load(kRelaxed);
                        }});
              return m.ab();
          }) == Outcomes{"0 0", "0 1", "1 1", "2 0", "2 1"});
}

TEST_CASE("litmus: read-modify-writes are atomic, whatever their order") {
    CHECK(outcomes([](Machine& m) {
              const auto add = [&] { m.x.fetch_add(1, kRelaxed); };
              together({add, add, add});
              return m.xy();
          }) == Outcomes{"3 0"});
    CHECK(outcomes([](Machine& m) {
              const auto add = [&] { m.x.store(m.x.load(kSeqCst) + 1, kSeqCst); };
              together({add, add});
              return m.xy();
          }) == Outcomes{"1 0", "2 0"});
    CHECK(outcomes([](Machine& m) {  // one of two wins
              const auto claim = [&m](int& won) {
                  int expected = 0;
                  won = m.x.compare_exchange_strong(expected, 1, kRelaxed, kRelaxed) ? 1 : 0;
              };
              together({[&] { claim(m.a); }, [&] { claim(m.b); }});
              return m.ab();
          }) == Outcomes{"0 1", "1 0"});
}

TEST_CASE("litmus: a compare-exchange fails with any value that a load may read, and weakly for no reason") {
    const auto tried = [](auto compare_exchange, const Limits& limits) {
        return outcomes(
            [=](Machine& m) {
                together({[&] { m.x.store(1, kRelaxed); },
                          [&] {
                              m.a = 1;  // expected
                              m.b = compare_exchange(m.x, m.a) ? 1 : 0;
                          }});
                return m.ab();
            },
            limits);
    };
    const auto weak = [](auto& x, int& expected) { return x.compare_exchange_weak(expected, 5, kRelaxed, kRelaxed); };
    const auto strong = [](auto& x, int& expected) {
        return x.compare_exchange_strong(expected, 5, kRelaxed, kRelaxed);
    };
    Limits spurious = kEverything;
    spurious.spurious_failures = 1;
    CHECK(tried(strong, spurious) == Outcomes{"0 0", "1 1"});
    CHECK(tried(weak, kEverything) == Outcomes{"0 0", "1 1"});
    CHECK(tried(weak, spurious) == Outcomes{"0 0", "1 0", "1 1"});
}

TEST_CASE("litmus: interleavings alone show nothing weak") {
    Limits newest = kEverything;
    newest.reads = Reads::newest;
    CHECK(outcomes(
              [](Machine& m) {
                  together({[&] {
                                m.x.store(1, kRelaxed);
                                m.a = m.y.load(kRelaxed);
                            },
                            [&] {
                                m.y.store(1, kRelaxed);
                                m.b = m.x.load(kRelaxed);
                            }});
                  return m.ab();
              },
              newest) == Outcomes{"0 1", "1 0", "1 1"});
}
