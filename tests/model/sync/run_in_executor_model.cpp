// Job: a function that an executor calls on a thread of its own, while the loop that asked waits for it: the outcome is there
// with everything that was done before, and the last one to let go of the job destroys it, once.
#include "sync/run_in_executor.hpp"

#include <functional>
#include <optional>
#include <utility>

#include "tests/model/loops.hpp"
#include "tests/model/models.hpp"
#include "tests/model/on_loop.hpp"

using weft::Executor;
using weft::Future;
using weft::model::Cell;
using weft::model::Loops;
using weft::model::OnLoop;
using weft::model::require;
using weft::model::together;

namespace {

// Whoever has it is its thread.
class OneJob final : public Executor {
public:
    void submit(std::function<void()> job) override { job_ = std::move(job); }

    // Copies what it was given once more before it forgets it.
    void call() {
        job_();
        const std::function<void()> copy = job_;
        forget();
    }
    void forget() { job_ = nullptr; }

private:
    std::function<void()> job_;
};

// A loop, and a job of it that has not been called.
class Asked {
public:
    explicit Asked(Cell<int>& handed_over) {
        const OnLoop here(loops_[0]);
        future_ = weft::sync::start_job(loops_[0], {}, &executor_, [&handed_over] {
            handed_over.set(1);
            return 7;
        });
    }

    OneJob& executor() { return executor_; }
    const Future<int>& future() { return future_; }
    void wait() {
        while (!future_.done()) loops_[0].step();
    }

private:
    const Loops loops_{1};
    OneJob executor_;
    Future<int> future_;
};

void a_job_is_called() {
    Cell<int> handed_over;
    Asked asked(handed_over);
    together({[&] { asked.executor().call(); },
              [&] {
                  asked.wait();
                  require(asked.future().result() == 7 && handed_over.get() == 1, "what it did");
              }});
}

void a_job_is_forgotten() {
    Cell<int> handed_over;
    Asked asked(handed_over);
    together({[&] { asked.executor().forget(); },
              [&] {
                  asked.wait();
                  require(asked.future().exception() != nullptr && handed_over.get() == 0, "it was not called");
              }});
}

void a_job_is_called_and_cancelled() {
    Cell<int> handed_over;
    Asked asked(handed_over);
    together({[&] { asked.executor().call(); },
              [&] {
                  (void)asked.future().cancel();
                  asked.wait();
              }});
    require(asked.future().cancelled(), "before a turn of the loop");
}

}  // namespace

WEFT_MODEL("job: called, awaited", a_job_is_called,
           {.type = "Job", .threads = {"execute, retain, release", "run, release"}});

WEFT_MODEL("job: forgotten, awaited", a_job_is_forgotten, {.type = "Job", .threads = {"release", "run, release"}});

WEFT_MODEL("job: called, cancelled", a_job_is_called_and_cancelled,
           {.type = "Job", .threads = {"execute, retain, release", "cancel, drop"}});
