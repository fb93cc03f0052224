#include "sync/run_in_executor.hpp"

#include <stdexcept>

#include "scheduler/schedule.hpp"
#include "sync/default_executor.hpp"

namespace weft::sync {

namespace {

// One of the executor's references to a job, as what it calls.
class JobCall {
public:
    // Takes over a reference.
    explicit JobCall(Job& job) noexcept : job_(&job) {}
    JobCall(const JobCall& other) noexcept : job_(other.job_) { job_->retain(); }
    JobCall& operator=(const JobCall&) = delete;
    ~JobCall() { job_->release(); }

    void operator()() const noexcept { job_->execute(); }

private:
    Job* job_;
};

}  // namespace

Job::Job(FutureRef future, scheduler::Loop& loop, ContextSlot context)
    : future_(std::move(future)), home_(loop.shell()), generation_(home_.generation()), context_(std::move(context)) {}

Job::~Job() = default;

void Job::execute() noexcept {
    if (ended_) return;
    if (!future_.get().done()) {
        const ContextEntry entry(context_);
        try {
            call();
        } catch (...) {
            failure_ = std::current_exception();
        }
    }
    end();
}

void Job::end() noexcept {
    ended_ = true;
    destroy_callable();
    context_ = ContextSlot();
    if (!future_.get().done()) {
        retain();  // the queue's reference
        if (scheduler::schedule_on(*this, home_, generation_) == scheduler::Sent::closed) drop();
    }
    // After the outcome was sent: whoever waits for the last job finds all of them delivered.
    if (const std::shared_ptr<JobCount> count = std::move(count_)) count->end();
}

void Job::run() noexcept {
    if (failure_ != nullptr) {
        (void)future_.get().try_set_exception(std::move(failure_));
    } else {
        deliver_value(future_.get());
    }
    release();
}

void Job::last_released() noexcept {
    if (ended_) {
        delete this;
        return;
    }
    retain();
    try {
        failure_ = std::make_exception_ptr(std::runtime_error("the executor dropped the job without running it"));
    } catch (...) {
        failure_ = std::current_exception();
    }
    end();
    release();
}

void submit_job(Job& job, Executor* executor, scheduler::Loop& loop) {
    const JobCall call(job);
    try {
        if (executor != nullptr) return executor->submit(call);
        const DefaultExecutor::Accepted accepted = DefaultExecutor::of(loop).accept();
        job.count_ = accepted.count;
        accepted.executor.submit(call);
    } catch (...) {
        // The caller gets the exception, and no future: the job has nobody to tell.
        (void)job.future_.get().cancel({});
        throw;
    }
}

}  // namespace weft::sync
