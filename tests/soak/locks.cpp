// Locks: Lock, Semaphore, Condition, Barrier and Event under contention from all loops, with cancels. What a lock guards
// is plain, so that a hand-over that orders nothing is a data race; nobody is inside who must not be, and in the end
// everything is free: no lock, permit or notification was lost.
#include <atomic>
#include <chrono>
#include <cstddef>
#include <memory>
#include <utility>

#include "sync/barrier.hpp"
#include "sync/condition.hpp"
#include "sync/errors.hpp"
#include "sync/event.hpp"
#include "sync/lock.hpp"
#include "sync/semaphore.hpp"
#include "sync/sleep.hpp"
#include "sync/task.hpp"
#include "sync/wait_for.hpp"
#include "tests/soak/crowd.hpp"
#include "tests/soak/part.hpp"

using namespace std::chrono_literals;

namespace weft::soak {

namespace {

class Locks final : public Part {
public:
    Locks() : Part("locks") {}

    Coro<> round(Random random) override {
        switch (random.below(5)) {
            case 0: co_return co_await locking(random);
            case 1: co_return co_await permits(random);
            case 2: co_return co_await notifications(random);
            case 3: co_return co_await meetings(random);
            default: co_return co_await signals(random);
        }
    }

private:
    void count(const Ends& ends, std::size_t size) {
        check(ends.values + ends.cancelled == size, "somebody in line has failed");
        check(ends.cancelled <= ends.hits, "somebody in line was cancelled by nobody");
        cancelled(ends.hits);
    }

    // --- Lock --------------------------------------------------------------------------------------------------

    struct Guarded {
        Lock lock;
        std::uint64_t times = 0;  // under the lock
        std::atomic<std::uint64_t> taken{0};
    };

    Coro<> locking(Random random) {
        Guarded guarded;
        Crowd crowd(random.split());
        for (std::uint32_t left = random.from_to(3, 12); left != 0; --left) crowd.add(takes(guarded, random.split()));
        const Ends ends = co_await crowd.disturbed(random.below(6));
        count(ends, crowd.size());
        check(guarded.lock.try_acquire(), "a lock is lost");
        check(guarded.times == guarded.taken.load(std::memory_order_relaxed), "two tasks had one lock");
        guarded.lock.release();
        did(guarded.times);
    }

    Coro<> takes(Guarded& guarded, Random random) {
        for (int i = 0; i < 10; ++i) {
            const LockGuard held = co_await guarded.lock.scoped();
            const std::uint64_t times = guarded.times;
            guarded.taken.fetch_add(1, std::memory_order_relaxed);
            guarded.times = times + 1;
            if (random.one_in(4)) co_await pause(random);
            check(guarded.times == times + 1, "two tasks had one lock");
        }
    }

    // --- Semaphore ---------------------------------------------------------------------------------------------

    struct Room {
        explicit Room(int permits) : semaphore(permits), limit(permits) {}

        BoundedSemaphore semaphore;
        const int limit;
        std::atomic<int> inside{0};
    };

    Coro<> permits(Random random) {
        Room room(static_cast<int>(random.from_to(1, 4)));
        Crowd crowd(random.split());
        for (std::uint32_t left = random.from_to(3, 12); left != 0; --left) crowd.add(enters(room, random.split()));
        const Ends ends = co_await crowd.disturbed(random.below(8));
        count(ends, crowd.size());
        int left = 0;
        while (room.semaphore.try_acquire()) ++left;
        check(left == room.limit, "a permit is lost, or there is one too many");
        for (; left != 0; --left) room.semaphore.release();
        did(crowd.size() * 10);
    }

    Coro<> enters(Room& room, Random random) {
        for (int i = 0; i < 10; ++i) {
            try {
                co_await stays(room, random);
            } catch (const TimeoutError&) {
                failed();
            }
        }
    }
    Coro<> stays(Room& room, Random& random) {
        if (random.one_in(4)) {
            co_await wait_for(room.semaphore.acquire(), random.up_to(100us));
        } else {
            co_await room.semaphore.acquire();
        }
        struct Permit {
            Room& of;
            ~Permit() {
                of.inside.fetch_sub(1, std::memory_order_relaxed);
                of.semaphore.release();
            }
        } const permit{room};
        check(room.inside.fetch_add(1, std::memory_order_relaxed) < room.limit, "a semaphore has let too many in");
        co_await pause(random);
    }

    // --- Condition ---------------------------------------------------------------------------------------------

    struct Store {
        Condition condition;
        int stored = 0;  // the three under its lock
        int consumers = 0;
        bool closed = false;
        std::atomic<int> taken{0};
    };

    // Producers are not cancelled; what is stored is taken by consumers, of which one is left alone.
    Coro<> notifications(Random random) {
        Store store;
        Crowd producers(random.split());
        Crowd consumers(random.split());
        constexpr int kProducers = 3;
        for (int i = 0; i < kProducers; ++i) producers.add(produces(store, random.split()));
        for (int i = 0; i < 6; ++i) consumers.add(consumes(store));
        const auto closing = create_task(closes(store, producers), {.loop = somewhere(random)});
        const Ends ends = co_await consumers.disturbed(random.below(5), 1);
        co_await closing;
        count(ends, consumers.size());
        check(store.stored == 0 && store.taken.load(std::memory_order_relaxed) == kProducers * kStoredByEach,
              "what a condition told of was not taken");
        check(!store.condition.locked(), "a condition has kept its lock");
        did(kProducers * kStoredByEach);
    }

    static constexpr int kStoredByEach = 20;

    static Coro<> produces(Store& store, Random random) {
        for (int i = 0; i < kStoredByEach; ++i) {
            if (random.one_in(3)) co_await pause(random);
            const LockGuard held = co_await store.condition.scoped();
            ++store.stored;
            store.condition.notify();
        }
    }
    static Coro<> closes(Store& store, Crowd& producers) {
        co_await producers.ended();
        const LockGuard held = co_await store.condition.scoped();
        store.closed = true;
        store.condition.notify_all();
    }
    static Coro<> consumes(Store& store) {
        auto news = [&store] { return store.stored != 0 || store.closed; };
        for (;;) {
            const LockGuard held = co_await store.condition.scoped();
            co_await store.condition.wait_for(news);
            if (store.stored == 0) co_return;
            --store.stored;
            store.taken.fetch_add(1, std::memory_order_relaxed);
        }
    }

    // --- Barrier -----------------------------------------------------------------------------------------------

    struct Meeting {
        explicit Meeting(std::uint32_t people) : barrier(people), parties(people) {}

        Barrier barrier;
        const std::uint32_t parties;
        std::atomic<std::uint32_t> arrivals{0};
    };

    Coro<> meetings(Random random) {
        Meeting meeting(random.from_to(1, 8));
        constexpr std::uint32_t kRounds = 5;
        Crowd crowd(random.split());
        for (std::uint32_t i = 0; i < meeting.parties; ++i) crowd.add(meets(meeting, kRounds, random.split()));
        const Ends ends = co_await crowd.ended();
        check(ends.values == crowd.size(), "a meeting was not held");
        check(meeting.barrier.n_waiting() == 0, "somebody is left at a barrier");
        did(std::uint64_t{kRounds} * meeting.parties);
    }

    Coro<> meets(Meeting& meeting, std::uint32_t rounds, Random random) {
        for (std::uint32_t round = 1; round <= rounds; ++round) {
            if (random.one_in(2)) co_await pause(random);
            meeting.arrivals.fetch_add(1, std::memory_order_relaxed);
            const std::size_t place = co_await meeting.barrier.wait();
            check(place < meeting.parties, "a barrier gave a place that it has not");
            check(meeting.arrivals.load(std::memory_order_relaxed) >= round * meeting.parties,
                  "a barrier has opened before all had come");
        }
    }

    // --- Event -------------------------------------------------------------------------------------------------

    struct Signal {
        Event event;
        std::atomic<bool> over{false};  // it is set once more, for good
        std::uint64_t told = 0;  // before that
    };

    // An event that is set and cleared while tasks wait for it, and set for good in the end.
    Coro<> signals(Random random) {
        Signal signal;
        Crowd crowd(random.split());
        crowd.add(blinks(signal, random.split()));
        for (std::uint32_t left = random.from_to(2, 10); left != 0; --left) crowd.add(waits(signal));
        const Ends ends = co_await crowd.disturbed(random.below(6), 1);
        count(ends, crowd.size());
        check(signal.event.is_set(), "an event has forgotten that it is set");
        did(crowd.size());
    }

    static Coro<> blinks(Signal& signal, Random random) {
        for (int i = 0; i < 10; ++i) {
            co_await pause(random);
            signal.event.set();
            signal.event.clear();
        }
        signal.over.store(true, std::memory_order_release);
        signal.told = 7;
        signal.event.set();
    }
    Coro<> waits(Signal& signal) {
        while (!signal.over.load(std::memory_order_acquire)) co_await signal.event.wait();
        co_await signal.event.wait();
        check(signal.told == 7, "what was done before an event is not seen after it");
    }
};

}  // namespace

std::unique_ptr<Part> make_locks() { return std::make_unique<Locks>(); }

}  // namespace weft::soak
