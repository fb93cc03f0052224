// Channels: Broadcast, Watch, and a select over channel, queue and event. A receiver gets every value that was sent after it
// subscribed, in order, or is told how many it missed; a watcher sees newer and newer values, and the last one.
#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "sync/broadcast.hpp"
#include "sync/errors.hpp"
#include "sync/event.hpp"
#include "sync/select.hpp"
#include "sync/sleep.hpp"
#include "sync/task.hpp"
#include "sync/wait_for.hpp"
#include "sync/watch.hpp"
#include "tests/soak/crowd.hpp"
#include "tests/soak/part.hpp"

using namespace std::chrono_literals;

namespace weft::soak {

namespace {

// Values that are shared by all who receive them: who writes it must have done before.
struct Page {
    std::uint64_t number = 0;
    std::uint64_t copy = 0;
};

class Channels final : public Part {
public:
    Channels() : Part("channels") {}

    Coro<> round(Random random) override {
        if (random.one_in(2)) {
            co_await broadcasting(random);
        } else {
            co_await watching(random);
        }
    }

private:
    static constexpr std::uint64_t kSent = 60;

    void count(const Ends& ends, const Crowd& crowd) {
        check(ends.values + ends.cancelled == crowd.size(), "somebody at a channel has failed");
        check(ends.cancelled <= ends.hits, "somebody at a channel was cancelled by nobody");
        cancelled(ends.hits);
        did(kSent + crowd.size());
    }

    // --- Broadcast ---------------------------------------------------------------------------------------------

    Coro<> broadcasting(Random random) {
        Broadcast<Page> pages(random.from_to(1, 64));
        Event hurry;
        Crowd crowd(random.split());
        std::uint32_t readers = random.from_to(1, 6);
        std::vector<Broadcast<Page>::Receiver> receivers;  // before the first value is sent
        for (; readers != 0; --readers) receivers.push_back(pages.subscribe());
        crowd.add(sends(pages, random.split()));
        crowd.add(hurries(hurry, random.split()));
        for (Broadcast<Page>::Receiver& receiver : receivers)
            crowd.add(reads(pages, std::move(receiver), hurry, random.split()));
        count(co_await crowd.disturbed(random.below(5), 2), crowd);
        check(pages.receivers() == 0, "a receiver is left behind its task");
    }

    static Coro<> sends(Broadcast<Page>& pages, Random random) {
        for (std::uint64_t i = 0; i < kSent; ++i) {
            if (random.one_in(3)) co_await pause(random);
            pages.send(Page{i, i});
        }
        pages.shutdown();
    }
    static Coro<> hurries(Event& hurry, Random random) {
        co_await pause(random);
        hurry.set();
    }

    Coro<> reads(Broadcast<Page>& pages, Broadcast<Page>::Receiver receiver, Event& hurry, Random random) {
        std::uint64_t next = 0;
        bool hurried = false;
        for (;;) {
            try {
                if (!hurried && random.one_in(2)) {
                    const auto first = co_await select(receiver.receive(), hurry.wait());
                    hurried = first.index() == 1;
                    if (!hurried) receive(std::get<0>(first), next);
                } else if (random.one_in(4)) {
                    receive(co_await wait_for(receiver.receive(), random.up_to(100us)), next);
                } else {
                    receive(co_await receiver.receive(), next);
                }
            } catch (const BroadcastLagged& lagged) {
                next += lagged.missed();
                failed();
            } catch (const TimeoutError&) {
                failed();
            } catch (const BroadcastShutDown&) {
                break;
            }
        }
        check(next == kSent, "a receiver has neither got nor missed a value");
        check(pages.receivers() != 0, "a broadcast has forgotten a receiver");
    }
    void receive(const Page& page, std::uint64_t& next) {
        check(page.number == next && page.copy == next, "a receiver got another value than the next");
        ++next;
    }

    // --- Watch -------------------------------------------------------------------------------------------------

    Coro<> watching(Random random) {
        Watch<Page> watch(Page{});
        Crowd crowd(random.split());
        std::vector<Watch<Page>::Watcher> watchers;  // before the first value is set
        for (std::uint32_t left = random.from_to(1, 6); left != 0; --left) watchers.push_back(watch.subscribe());
        crowd.add(sets(watch, random.split()));
        for (const Watch<Page>::Watcher& watcher : watchers) crowd.add(watches(watcher, random.split()));
        count(co_await crowd.disturbed(random.below(5), 1), crowd);
        check(watch.get().number == kSent, "a watch has not the last value");
    }

    static Coro<> sets(Watch<Page>& watch, Random random) {
        for (std::uint64_t i = 1; i <= kSent; ++i) {
            if (random.one_in(3)) co_await pause(random);
            watch.set(Page{i, i});
        }
        watch.shutdown();
    }

    Coro<> watches(Watch<Page>::Watcher watcher, Random random) {
        std::uint64_t seen = 0;
        for (;;) {
            try {
                const Page page = co_await watcher.changed();
                check(page.number > seen && page.copy == page.number, "a watcher saw an older value again");
                seen = page.number;
                if (random.one_in(4)) co_await pause(random);
            } catch (const WatchShutDown&) {
                break;
            }
        }
        check(seen == kSent, "a watcher has not seen the last value");
    }
};

}  // namespace

std::unique_ptr<Part> make_channels() { return std::make_unique<Channels>(); }

}  // namespace weft::soak
