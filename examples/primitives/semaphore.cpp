// Semaphore: so many tasks at a time. BoundedSemaphore: also notices a release() too many.
#include <weft/weft.hpp>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <iostream>
#include <stdexcept>
#include <utility>
#include <vector>

using namespace std::chrono_literals;

weft::Coro<bool> download(weft::Semaphore& slots, std::atomic<int>& under_way) {
    const auto slot = co_await slots.scoped();
    const bool allowed = ++under_way <= 2;
    co_await weft::sleep(1ms);
    --under_way;
    co_return allowed;
}

weft::Coro<> app() {
    weft::Semaphore slots(2, "downloads");
    std::atomic<int> under_way = 0;
    std::vector<weft::Coro<bool>> downloads;
    for (int i = 0; i < 10; ++i) downloads.push_back(download(slots, under_way));
    const auto allowed = co_await weft::gather(std::move(downloads));
    std::cout << std::count(allowed.begin(), allowed.end(), true) << " downloads, never more than 2 at once\n";

    weft::BoundedSemaphore bounded(1, "door");
    try {
        bounded.release();
    } catch (const std::invalid_argument& e) {
        std::cout << e.what() << '\n';
    }
}

int main() { weft::run(app()); }
// prints:
// 10 downloads, never more than 2 at once
// BoundedSemaphore released too many times: semaphore 'door'
