// LoopLocal and GroupLocal: whoever finds a value finds a complete one, of its own type.
#include "scheduler/loop_local.hpp"

#include <array>

#include "scheduler/group_local.hpp"
#include "tests/model/models.hpp"

using weft::model::Cell;
using weft::model::require;
using weft::model::together;
using weft::scheduler::GroupLocal;
using weft::scheduler::GroupSlots;
using weft::scheduler::LoopLocal;
using weft::scheduler::LoopSlots;

namespace {

// What stands for a loop or a group.
template <class Slots>
class Home {
public:
    [[nodiscard]] Slots& slots() { return slots_; }

private:
    Slots slots_;
};
using Loop = Home<LoopSlots>;
using Group = Home<GroupSlots>;

// kNumber tells the types apart.
template <int kNumber>
struct Value {
    template <class AnyHome>
    explicit Value(AnyHome&) {
        number.set(kNumber);
    }

    Cell<int> number{0};
};

void owner_and_neighbour() {
    Loop loop;
    together({[&] { require(LoopLocal<Value<1>>::of(loop).number.get() == 1, "made"); },
              [&] {
                  const auto* value = LoopLocal<Value<1>>::find(loop);
                  if (value != nullptr) require(value->number.get() == 1, "complete");
              }});
    require(LoopLocal<Value<1>>::find(loop) != nullptr, "made");
}

// Two loops are the first to use two types, each begins with another one.
void two_types_on_two_loops() {
    std::array<Loop, 2> loops;
    const auto use_2 = [](Loop& loop) { require(LoopLocal<Value<2>>::of(loop).number.get() == 2, "of its type"); };
    const auto use_3 = [](Loop& loop) { require(LoopLocal<Value<3>>::of(loop).number.get() == 3, "of its type"); };
    together({[&] {
                  use_2(loops[0]);
                  use_3(loops[0]);
              },
              [&] {
                  use_3(loops[1]);
                  use_2(loops[1]);
              }});
    for (Loop& loop : loops) {
        require(LoopLocal<Value<2>>::find(loop)->number.get() == 2, "everybody has the same number for it");
        require(LoopLocal<Value<3>>::find(loop)->number.get() == 3, "everybody has the same number for it");
    }
}

void two_of_a_group() {
    Group group;
    std::array<Value<4>*, 2> found{};
    const auto use = [&](std::size_t i) {
        found[i] = &GroupLocal<Value<4>>::of(group);
        require(found[i]->number.get() == 4, "complete");
    };
    together({[&] { use(0); }, [&] { use(1); }});
    require(found[0] == found[1], "they share one");
}

}  // namespace

WEFT_MODEL("loop local: the owner and a neighbour", owner_and_neighbour,
           {.type = "LoopLocal", .threads = {"of", "find"}});

WEFT_MODEL("loop local: two types on two loops", two_types_on_two_loops,
           {.type = "LoopLocal", .threads = {"of", "of"}});

WEFT_MODEL("group local: two are the first", two_of_a_group, {.type = "GroupLocal", .threads = {"of", "of"}});
