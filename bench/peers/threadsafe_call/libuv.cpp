// uv_async_send may merge calls, so there is a queue beside it, as every user of libuv has to write one.
#include <uv.h>

#include <cstdint>
#include <future>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include "bench/peers/passes.hpp"

namespace {

struct Call {
    std::uint64_t number;
    std::promise<std::uint64_t> result;
};

struct Mailbox {
    uv_loop_t loop;
    uv_async_t async;
    uv_async_t stop;
    std::mutex mutex;
    std::vector<Call> calls;
};

void run_calls(uv_async_t* async) {
    Mailbox& mailbox = *static_cast<Mailbox*>(async->data);
    std::vector<Call> calls;
    {
        const std::lock_guard lock(mailbox.mutex);
        calls.swap(mailbox.calls);
    }
    for (Call& call : calls) call.result.set_value(call.number);
}

std::uint64_t call(Mailbox& mailbox, std::uint64_t number) {
    std::promise<std::uint64_t> promise;
    std::future<std::uint64_t> result = promise.get_future();
    {
        const std::lock_guard lock(mailbox.mutex);
        mailbox.calls.push_back({number, std::move(promise)});
    }
    uv_async_send(&mailbox.async);
    return result.get();
}

}  // namespace

int main(int argc, char** argv) {
    bench::Passes passes(argc, argv);
    Mailbox mailbox;
    uv_loop_init(&mailbox.loop);
    uv_async_init(&mailbox.loop, &mailbox.async, run_calls);
    uv_async_init(&mailbox.loop, &mailbox.stop, [](uv_async_t* async) { uv_stop(async->loop); });
    mailbox.async.data = &mailbox;
    std::thread loop([&mailbox] { uv_run(&mailbox.loop, UV_RUN_DEFAULT); });
    while (passes.again()) {
        std::uint64_t sum = 0;
        for (std::uint64_t i = 0; i < passes.size(); ++i) sum += call(mailbox, i);
        passes.end(sum);
    }
    uv_async_send(&mailbox.stop);
    loop.join();
    return passes.report();
}
