// News: what is told to everybody who waits for it. Each piece has a number, and who waits the number of the next that it has
// not seen. Under every broadcast and watch.
//
// Invariant: the number of what is told next counts up with each telling, and all who wait are woken by it. After shutdown
// nobody waits, and nothing is told.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "scheduler/spin_lock.hpp"
#include "sync/notified.hpp"
#include "sync/parking_lot.hpp"

namespace weft::sync {

class News {
public:
    // Who waits, or waits later, gets what it has not seen, and then an exception, as does who tells more. Thread: any.
    void shutdown();

    // "broadcast 'prices'"
    [[nodiscard]] const std::string& in_words() const noexcept { return lot_.in_words(); }

protected:
    News(std::string_view what, std::string_view name) : lot_(what, mutex_, name) {}
    News(const News&) = delete;
    News& operator=(const News&) = delete;
    ~News() = default;

    class Arrival;

    // Under the mutex.
    void told(Wakes& wakes) noexcept {
        ++next_;
        lot_.claim_all(wakes);
    }

    mutable scheduler::SpinLock mutex_;
    bool shut_down_ = false;
    std::uint64_t next_ = 0;

private:
    ParkingLot lot_;
};

// Waits for the piece with that number.
class News::Arrival final : public Notified {
public:
    Arrival(News& news, std::uint64_t wanted) noexcept : Notified(news.lot_), news_(news), wanted_(wanted) {}

private:
    [[nodiscard]] bool there() const noexcept override { return news_.shut_down_ || news_.next_ != wanted_; }

    const News& news_;
    const std::uint64_t wanted_;
};

}  // namespace weft::sync
