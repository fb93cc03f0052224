// The owners of an exception: whoever lets go last destroys it, behind all that the others have read.
#include <array>
#include <exception>
#include <utility>

#include "tests/model/cell.hpp"
#include "tests/model/models.hpp"

using weft::model::Cell;
using weft::model::require;
using weft::model::together;

namespace {

// Its end is a write to what its catchers have read.
class Failure {
public:
    explicit Failure(Cell<int>& ended) : ended_(ended) {}
    Failure(const Failure&) = default;
    Failure& operator=(const Failure&) = delete;
    ~Failure() { ended_.set(ended_.get() + 1); }

    [[nodiscard]] bool alive() const { return ended_.get() == 0; }

private:
    Cell<int>& ended_;
};

// As `throw` makes one.
std::exception_ptr failure(Cell<int>& ended) {
    try {
        throw Failure(ended);
    } catch (...) {
        return std::current_exception();
    }
}

void rethrow_and_read(std::exception_ptr& owner) {
    try {
        std::rethrow_exception(std::exchange(owner, nullptr));
    } catch (const Failure& error) {
        require(error.alive(), "while it is caught");
    }
}

void two_catch_an_exception() {
    Cell<int> ended;
    std::array<std::exception_ptr, 2> owners;
    owners[0] = owners[1] = failure(ended);
    together({[&] { rethrow_and_read(owners[0]); }, [&] { rethrow_and_read(owners[1]); }});
    require(ended.get() == 1, "it has ended once");
}

void one_catches_and_two_let_go() {
    Cell<int> ended;
    std::array<std::exception_ptr, 3> owners;
    owners[0] = owners[1] = owners[2] = failure(ended);
    together({[&] { rethrow_and_read(owners[0]); }, [&] { owners[1] = nullptr; },
              [&] { owners[2] = std::exception_ptr(owners[2]); }});
    owners[2] = nullptr;
    require(ended.get() == 1, "it has ended once");
}

// What a thread handles is its own.
void each_has_its_own() {
    std::array<Cell<int>, 2> ended;
    std::exception_ptr given = failure(ended[0]);
    together({[&] { rethrow_and_read(given); },
              [&] {
                  std::exception_ptr own = failure(ended[1]);
                  rethrow_and_read(own);
                  require(ended[1].get() == 1, "nobody else has it");
              }});
    require(ended[0].get() == 1, "it has ended once");
}

}  // namespace

WEFT_MODEL("exception: two catch it", two_catch_an_exception,
           {.type = "Exception", .threads = {"rethrow, release", "rethrow, release"}});
WEFT_MODEL("exception: one catches it, two let go", one_catches_and_two_let_go,
           {.type = "Exception", .threads = {"rethrow, release", "release", "retain, release"}});
WEFT_MODEL("exception: each has its own", each_has_its_own,
           {.type = "Exception", .threads = {"rethrow, release", "throw, rethrow, release"}});
