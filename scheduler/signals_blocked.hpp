// SignalsBlocked: while it lives, the calling thread takes no signal, and neither will any thread that it starts: the
// mask is inherited. Signals belong to whoever owns the process, not to the library's threads.
#pragma once

#include <pthread.h>
#include <signal.h>

namespace weft::scheduler {

class SignalsBlocked {
public:
    SignalsBlocked() {
        sigset_t all;
        sigfillset(&all);
        pthread_sigmask(SIG_SETMASK, &all, &before_);
    }
    SignalsBlocked(const SignalsBlocked&) = delete;
    SignalsBlocked& operator=(const SignalsBlocked&) = delete;
    ~SignalsBlocked() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }

private:
    sigset_t before_{};
};

}  // namespace weft::scheduler
