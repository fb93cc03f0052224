// These fail under ThreadSanitizer, by its report, if it does not see who owns an exception; in the other builds they show
// that an exception ends once, and not before its last owner. The threads order nothing for each other but the count.
#include <doctest/doctest.h>

#include <atomic>
#include <exception>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>

namespace {

class Failure : public std::runtime_error {
public:
    Failure(const std::string& what, int& ended) : std::runtime_error(what), ended_(&ended) {}
    Failure(const Failure& other) = default;
    Failure& operator=(const Failure& other) = delete;
    ~Failure() override { ++*ended_; }

private:
    int* ended_;
};

const std::string kText = "a text that is too long for a string to keep it inside";

std::exception_ptr caught(int& ended) {
    try {
        throw Failure(kText, ended);
    } catch (...) {
        return std::current_exception();
    }
}

// Lets one thread wait for another and orders nothing.
class Signal {
public:
    void give() { given_.store(true, std::memory_order_relaxed); }
    void await() const {
        while (!given_.load(std::memory_order_relaxed)) std::this_thread::yield();
    }

private:
    std::atomic<bool> given_{false};
};

}  // namespace

TEST_CASE("an exception's owner on another thread may let go last, after one that has caught it again") {
    int ended = 0;
    std::exception_ptr failure = caught(ended);
    Signal read;
    std::thread last([&read, mine = failure]() mutable {
        read.await();
        mine = nullptr;
    });
    std::string text;
    try {
        std::rethrow_exception(std::exchange(failure, nullptr));
    } catch (const Failure& error) {
        text = error.what();
    }
    read.give();
    last.join();
    CHECK(text == kText);
    CHECK(ended == 1);
}

TEST_CASE("an exception's owner on another thread may let go last, after the one that has thrown it") {
    int ended = 0;
    Signal read;
    std::thread last;
    std::string text;
    try {
        throw Failure(kText, ended);
    } catch (const Failure& error) {
        last = std::thread([&read, mine = std::current_exception()]() mutable {
            read.await();
            mine = nullptr;
        });
        text = error.what();
    }
    read.give();
    last.join();
    CHECK(text == kText);
    CHECK(ended == 1);
}

TEST_CASE("a catch block may let go of an exception last, after an owner that has read it") {
    int ended = 0;
    std::exception_ptr failure = caught(ended);
    Signal read;
    std::thread last([&read, mine = failure]() mutable {
        try {
            std::rethrow_exception(std::exchange(mine, nullptr));
        } catch (const Failure&) {
            read.await();
        }
    });
    std::string text;
    try {
        std::rethrow_exception(failure);
    } catch (const Failure& error) {
        text = error.what();
    }
    failure = nullptr;
    read.give();
    last.join();
    CHECK(text == kText);
    CHECK(ended == 1);
}

TEST_CASE("catch blocks in catch blocks, thrown on and thrown again, end each exception once") {
    int inner_ended = 0;
    int outer_ended = 0;
    std::string text;
    try {
        try {
            throw Failure("outer", outer_ended);
        } catch (const Failure& outer) {
            try {
                std::rethrow_exception(caught(inner_ended));
            } catch (const Failure& inner) {
                text = std::string(inner.what()) + ", " + outer.what();
            }
            CHECK(inner_ended == 1);
            CHECK(outer_ended == 0);
            throw;
        }
    } catch (const Failure& outer) {
        text += std::string(", ") + outer.what();
        CHECK(outer_ended == 0);
    }
    CHECK(text == kText + ", outer, outer");
    CHECK(outer_ended == 1);
    int made_ended = 0;
    std::exception_ptr made = std::make_exception_ptr(Failure("made", made_ended));
    made_ended = 0;  // of what it was copied from
    made = nullptr;
    CHECK(made_ended == 1);
    CHECK(std::current_exception() == nullptr);
}
