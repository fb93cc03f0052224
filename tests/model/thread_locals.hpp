// ThreadLocals: the thread_local variables of one virtual thread. All virtual threads run on one real thread, which has
// one block of them: whoever goes on finds its own there, and its own exceptions that are being handled.
//
// Those of shared libraries stay the real thread's; the code that is modelled has none there.
#pragma once

#include <cstddef>
#include <vector>

namespace weft::model {

class ThreadLocals {
public:
    // As a thread that has just begun.
    void begin();
    // Puts what the real thread has now aside.
    void save();
    void restore() const;
    // Whether it is a thread_local variable: those of all virtual threads have the same addresses.
    static bool contain(const void* address);

private:
    // What the C++ runtime keeps for a thread: the exceptions it handles and how many are on their way.
    struct Exceptions {
        void* caught = nullptr;
        unsigned uncaught = 0;
    };

    std::vector<std::byte> variables_;
    Exceptions exceptions_;
};

}  // namespace weft::model
