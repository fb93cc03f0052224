#include "scheduler/loop_local.hpp"

#include <doctest/doctest.h>

#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "scheduler/loop.hpp"
#include "scheduler/virtual_parker.hpp"

using weft::scheduler::Loop;
using weft::scheduler::LoopLocal;
using weft::scheduler::VirtualParker;

namespace {

std::vector<std::string> events;  // of the test that runs; each begins with clear()

struct Table {
    explicit Table(Loop& made_for) : loop(made_for) { events.emplace_back("+table"); }
    ~Table() { events.emplace_back("-table"); }
    Loop& loop;
    int entries = 0;
};

struct Reader {
    explicit Reader(Loop& made_for) : table(LoopLocal<Table>::of(made_for)) { events.emplace_back("+reader"); }
    ~Reader() {
        ++table.entries;  // what it was made upon is still there
        events.emplace_back("-reader");
    }
    Table& table;
};

struct Refusing {
    explicit Refusing(Loop&) {
        if (refuse) throw std::runtime_error("not yet");
    }
    static inline bool refuse = true;
};

// Asks, at its end, for a slot that was destroyed before it.
struct Late {
    explicit Late(Loop& made_for) : loop(made_for) { events.emplace_back("+late"); }
    ~Late() {
        ++LoopLocal<Table>::of(loop).entries;
        events.emplace_back("-late");
    }
    Loop& loop;
};

std::unique_ptr<Loop> make_loop() {
    events.clear();
    return std::make_unique<Loop>(std::make_unique<VirtualParker>());
}

using Events = std::vector<std::string>;

}  // namespace

TEST_CASE("loop local: is made on first use and stays") {
    const auto loop = make_loop();
    CHECK(events.empty());
    Table& table = LoopLocal<Table>::of(*loop);
    CHECK(&table.loop == loop.get());
    table.entries = 7;
    CHECK(&LoopLocal<Table>::of(*loop) == &table);
    CHECK(LoopLocal<Table>::of(*loop).entries == 7);
    CHECK(events == Events{"+table"});
}

TEST_CASE("loop local: every loop has its own") {
    const auto one = make_loop();
    const auto other = make_loop();
    CHECK(&LoopLocal<Table>::of(*one) != &LoopLocal<Table>::of(*other));
    CHECK(&LoopLocal<Table>::of(*one).loop == one.get());
    CHECK(&LoopLocal<Table>::of(*other).loop == other.get());
}

TEST_CASE("loop local: closing destroys in the reverse order, what was made upon another first") {
    const auto loop = make_loop();
    (void)LoopLocal<Reader>::of(*loop);
    CHECK(events == Events{"+table", "+reader"});
    loop->close();
    CHECK(events == Events{"+table", "+reader", "-reader", "-table"});
    loop->close();
    CHECK(events.size() == 4);
}

TEST_CASE("loop local: a constructor that throws leaves no slot behind") {
    const auto loop = make_loop();
    Refusing::refuse = true;
    CHECK_THROWS_AS((void)LoopLocal<Refusing>::of(*loop), std::runtime_error);
    Refusing::refuse = false;
    CHECK_NOTHROW((void)LoopLocal<Refusing>::of(*loop));
}

TEST_CASE("loop local: a slot that is made while others are destroyed is destroyed, too") {
    const auto loop = make_loop();
    (void)LoopLocal<Late>::of(*loop);
    (void)LoopLocal<Table>::of(*loop);
    loop->close();
    CHECK(events == Events{"+late", "+table", "-table", "+table", "-late", "-table"});
}
