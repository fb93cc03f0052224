// SignalPool: the cancellation signals of a loop's operations, used again. An operation that can be cancelled stores a
// handler in its signal's slot; Asio recycles that memory only inside its own run(), so a fresh signal per operation
// would cost a malloc and a free each time (about 500 instructions per read).
//
// Invariant: a pooled signal holds no handler of an operation that has ended, only an inert one that keeps the memory.
// Thread: the loop's.
#pragma once

#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/cancellation_type.hpp>
#include <cstddef>

namespace weft::io {

struct PooledSignal {
    boost::asio::cancellation_signal signal;
    PooledSignal* next = nullptr;
};

class SignalPool {
public:
    SignalPool() = default;
    SignalPool(const SignalPool&) = delete;
    SignalPool& operator=(const SignalPool&) = delete;
    ~SignalPool() {
        while (free_ != nullptr) delete take();
    }

    [[nodiscard]] PooledSignal* take() {
        if (free_ == nullptr) return new PooledSignal;
        PooledSignal* signal = free_;
        free_ = signal->next;
        --count_;
        return signal;
    }

    void give(PooledSignal* signal) noexcept {
        if (count_ == kKept) {
            delete signal;
            return;
        }
        // What the last operation left behind must not cancel the next one; its memory stays.
        if (signal->signal.slot().has_handler()) signal->signal.slot().emplace<Inert>();
        signal->next = free_;
        free_ = signal;
        ++count_;
    }

private:
    static constexpr std::size_t kKept = 256;

    struct Inert {
        void operator()(boost::asio::cancellation_type) const noexcept {}
    };

    PooledSignal* free_ = nullptr;
    std::size_t count_ = 0;
};

}  // namespace weft::io
