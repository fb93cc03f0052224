// Execution: one run of a model: its memory, its virtual threads, and who goes on at each step. What the atomics,
// locks and parkers of the model call.
//
//     ready --hint, nothing new--> spinning --somebody stored--> ready        ready --block--> blocked --wake--> ready
//     ready --its function returns--> done
//
// Invariant: before each step that another thread can see, and only there, the search is asked who goes on; going on
// with another thread although the running one could is a preemption, of which there is a limit. Plain accesses are no
// steps: a race is found by clocks, whatever the order.
//
// Partial order: of the executions that have the same one, most are not run. A thread that was preempted before a step
// `a` sleeps until something happens that `a` depends on: to go on with `a` before that would be the same as to have been
// preempted behind it, with no more preemptions, in an execution of its own. And a load that was overtaken by stores to
// its place reads none of the messages that were there before: it could have read those when it was preempted. Where
// nobody but sleepers can go on, the execution is redundant: it runs to its end without a further question.
// By induction over where preemptions lie some execution of each partial order is left. Two steps depend on each other if
// they are at the same place and one writes or both are seq_cst; fences, waiting and spinning depend on all.
//
// A failure abandons all threads, the body among them: nothing is unwound, and what their stacks own leaks.
//
// A thread that hints (spin_hint, yield) after a look at memory waits until another has stored something new, and does
// not see the same old value twice: a loop that spins is one step instead of endlessly many. If all that could go on
// spin, they try again in turn, kPatience times each (a bounded search gives up by itself); then it is a deadlock.
//
// A loop may also try again at once, because it has read something old. What was stored is seen in the end: one place
// in the source reads the same old message kOldReads times, then a newer one.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <source_location>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "tests/model/fiber.hpp"
#include "tests/model/limits.hpp"
#include "tests/model/memory.hpp"
#include "tests/model/plain_memory.hpp"
#include "tests/model/points.hpp"
#include "tests/model/search.hpp"
#include "tests/model/sites.hpp"
#include "tests/model/spare_memory.hpp"
#include "tests/model/thread_locals.hpp"
#include "tests/model/trace.hpp"
#include "tests/model/visited.hpp"

namespace weft::model {

using Where = std::source_location;

class Execution {
public:
    explicit Execution(const Limits& limits) : limits_(limits) {}
    Execution(const Execution&) = delete;
    Execution& operator=(const Execution&) = delete;

    // The one that runs, or null.
    static Execution* running() { return the_running_; }
    // The one that runs; there must be one.
    static Execution& current();

    // Runs the body to its end, or to a failure. Tells `trace` each step, if there is one.
    void run(Search& search, const std::function<void()>& body, Trace* trace);
    [[nodiscard]] const std::string& failure() const { return failure_; }
    [[nodiscard]] std::uint64_t steps() const { return steps_; }
    [[nodiscard]] bool redundant() const { return redundant_; }
    // From which choice of a thread on what follows was known, for Limits::known_from; 0: nowhere.
    [[nodiscard]] std::uint32_t known_from() const { return known_from_; }

    // --- called by the model ---

    // Thread: the body. Runs the functions as virtual threads and returns when all have ended. The first `settled` of them
    // run before the others, one after the other, each alone until it waits: how it came to wait is not searched.
    void together(const std::vector<std::function<void()>>& functions, std::size_t settled = 0);
    [[noreturn]] void fail(std::string_view what, std::string_view more = {}, const Where* where = nullptr);
    // Returns a number below `count`: a free choice of the model's.
    std::uint32_t choose(std::uint32_t count);
    // All that was chosen, for those who know neither points nor the reduction; only with Limits::spell_out.
    [[nodiscard]] const Trail& spelled_out() const { return spelled_out_; }

    // Where an atomic lies in the execution of this number, once it was used there.
    struct Seat {
        std::uint64_t run = 0;
        Location location = Memory::kNone;
        Memory::Birth birth;
    };
    // Differs from that of every other execution of the program.
    [[nodiscard]] std::uint64_t number() const { return number_; }
    // Of an atomic that is being made.
    static Seat unseated();
    void seat(Seat& seat, Value value, const Where& where);
    void leave(const Seat& seat);
    Value load(Location location, Order order, const Where& where);
    void store(Location location, Value value, Order order, const Where& where);
    enum class Strength : std::uint8_t { weak, strong };
    bool compare_exchange(Location location, Value& expected, Value desired, Order success, Order failure,
                          Strength strength, const Where& where);
    // A read-modify-write in two halves, between which no other thread goes on (unless it is spoiled).
    Value take(Location location, const Where& where);
    void put(Location location, Value value, Order order, const char* verb, const Where& where) {
        put(location, value, order, OrderOf::change, verb, where);
    }
    void fence(Order order, const Where& where);

    void read_plain(Epochs& epochs, const Where& where);
    void write_plain(Epochs& epochs, const Where& where);

    // Whether a virtual thread runs code of the model: then its accesses to plain memory count. The body is ordered with
    // all threads.
    [[nodiscard]] static bool watches() { return watches_; }
    // Told by the compiler (plain_memory.hpp), while watches(); `caller` is where in the program.
    void read_memory(const void* address, std::size_t bytes, const void* caller);
    void write_memory(const void* address, std::size_t bytes, const void* caller);
    void allocated(const void* address, std::size_t bytes);
    void freed(const void* address, std::size_t bytes, const void* caller);
    // Null, or a block of this size that it has freed before; and one that it frees: false if it is not kept.
    void* take_spare(std::size_t bytes);
    bool keep_spare(void* block);
    // A count of the C++ runtime or library, of exceptions or of a shared_ptr, which is in the program's memory. Returns
    // what it was. `spelled`: where in the tree, or null.
    int change_count(int& count, int by, Order order, const Where* spelled);
    // Blocks of memory that the model allocated and did not free; less than 0: it freed more.
    [[nodiscard]] std::int64_t blocks_left() const { return blocks_; }

    void spin_hint();
    // A step of a lock or a parker, `on` it: another thread may go on first.
    void step(const void* on, const char* verb, const Where& where);
    // Waits for wake(on); the caller looks again.
    void block(const void* on, const char* why);
    // The same with a deadline, which comes when nothing else happens any more. Returns false if it came.
    [[nodiscard]] bool block_for_some_time(const void* on, const char* why);
    void wake(const void* on);
    // What is in `from`, which belongs to `on`, has been seen by the thread from now on. No step.
    void acquire(const void* on, const View& from);
    // What the thread has seen is in `into`, which belongs to `on`. No step.
    void release(const void* on, View& into);

private:
    class Inside;

    static constexpr std::size_t kPatience = 80;  // more than any bounded search has tries
    static constexpr std::size_t kOldReads = 2;

    // What a step does, as far as others can depend on it.
    enum class Effect : std::uint8_t { reads, writes, anything };
    struct Footprint {
        std::uintptr_t place;  // a location, or the address of a lock or a parker
        Effect effect;
        bool seq_cst = false;
    };
    static bool depend(const Footprint& one, const Footprint& other);

    enum class State : std::uint8_t { ready, spinning, blocked, done };
    struct VirtualThread {
        Fiber fiber;
        ThreadLocals locals;
        State state = State::done;
        const void* waits_for = nullptr;
        const char* why = "";
        bool has_deadline = false;
        std::vector<Location> looks;  // since its last hint
        std::array<bool, kMaxLocations> has_looked{};  // at these
        std::uint64_t news_known = 0;  // of news_, when it looked last
        struct OldRead {
            Location location;
            Stamp stamp;
            std::uint64_t place;

            bool operator==(const OldRead&) const = default;
        };
        std::vector<OldRead> old_reads;

        std::vector<std::pair<Location, Where>> guesses;  // its last load of each, for Sites; nothing changed it since

        std::uint64_t past = 0;  // all that it did and read, as a hash
        std::uint64_t past_of_seq_cst = 0;  // up to its last seq_cst access

        // Since it was asked who goes on before its step `next`, and another did:
        bool preempted = false;
        Footprint next{};
        bool asleep = false;  // nothing has happened that `next` depends on
        bool overtaken = false;  // something has happened
        bool only_stores = false;  // to its place, as far as `next` depends on it as a load
        Stamp newest = 0;  // there, when it was asked

        void forget_looks() {
            for (const Location location : looks) has_looked[location] = false;
            looks.clear();
        }
    };

    void run_body(const std::function<void()>& body);
    void run_thread(const std::function<void()>& function);
    // `where` is null for what is always a point.
    void before_step(Footprint footprint, const Where* where);
    void before_access(Location location, Effect effect, const Where& where, Order order = Order::relaxed);
    void ask_who_goes_on(Footprint footprint);
    void pass_by();
    void chosen(bool now) { chosen_for_step_ = chosen_for_point_ = now; }
    std::uint32_t ask(std::uint32_t count);
    // The running thread did, or read, the one of several things it could that this number tells; given its past.
    void did(std::uint64_t what);
    void did(std::uint64_t what, Order order);
    // It did something that is ordered with all that is done on this lock or parker.
    void did_on(const void* on);
    // The partial order so far, and who is where in it.
    [[nodiscard]] std::uint64_t state() const;
    [[nodiscard]] bool leads_nowhere_new() const;
    // Others may depend on what the running thread does now.
    void note(const Footprint& footprint);
    void switch_to(Thread next);
    struct Candidates {
        std::array<Thread, kMaxThreads> threads;
        std::size_t count = 0;
    };
    // Who can go on; the running thread, if it can, is the first.
    [[nodiscard]] Candidates candidates() const;
    // Of those the ones that do not sleep; all if the execution is redundant.
    [[nodiscard]] Candidates awake_of(const Candidates& all) const;
    void spell_out(Choice choice) {
        if (limits_.spell_out && choice.count > 1) spelled_out_.push(choice);
    }
    // Who goes on; 0 if all threads have ended.
    Thread pick();
    // The same while some are to settle. 0 if they have.
    Thread pick_to_settle();
    Thread pick_when_none_is_ready();
    std::string who_waits() const;
    void touch(Location location, const Where& where);
    void looked_at(Location location);
    Value load_in_body(Location location, const Where& where);
    // The oldest message that a load here may still read.
    [[nodiscard]] Stamp oldest_to_read(Location location, Order order, const Where& where) const;
    // The messages before this one were there when the thread was preempted: it could have read them then.
    [[nodiscard]] Stamp oldest_news(Order order) const;
    static VirtualThread::OldRead old_read(Location location, Stamp stamp, const Where& where) {
        return {location, stamp, Points::key(where)};
    }
    void stored(Location location, Value before, Value after);
    void check_memory(Access (Memory::*access)(Thread, Epochs&), const void* address, std::size_t bytes,
                      const void* caller);
    void put(Location location, Value value, Order order, OrderOf of, const char* verb, const Where& where);
    // Others may come before the write of a change that is spoiled so.
    void tear(Location location, OrderOf of, const Where& where);
    void guesses(Location location, const Where& where);
    void checks_guess(Location location);
    Order ordered(const Where& where, OrderOf of, Order order) const;
    [[nodiscard]] bool has(Fault fault, const Where& where, OrderOf of) const;
    void tell(Trace::Event event);

    static inline std::uint64_t runs_ = 0;
    static inline bool watches_ = false;
    static inline Execution* the_running_ = nullptr;

    const Limits limits_;
    std::uint64_t number_ = 0;
    Fiber home_;  // whoever called run
    Memory memory_;
    PlainMemory plain_;
    SpareMemory spare_;
    Search* search_ = nullptr;
    Trace* trace_ = nullptr;
    std::string failure_;
    std::array<VirtualThread, kMaxThreads> threads_;  // [0]: the body, which runs while no other does
    std::size_t count_ = 1;
    Thread running_ = 0;
    std::size_t to_settle_ = 0;  // threads 1 to this one; 0 as soon as they have
    std::size_t settling_ = 0;  // the last of them that was begun
    bool inside_ = false;
    bool chosen_for_step_ = false;  // it has just begun, or has just been woken: its next step need not ask again
    bool chosen_for_point_ = false;  // nor its next point
    bool redundant_ = false;
    Trail spelled_out_;
    std::vector<std::pair<const void*, std::uint64_t>> orders_;  // how much was done on each lock or parker
    std::unordered_map<const void*, View> counts_;  // what is known at each
    std::uint64_t fences_ = 0;
    std::int64_t blocks_ = 0;
    std::uint32_t picks_ = 0;
    std::uint32_t known_from_ = 0;
    std::uint32_t preemptions_ = 0;
    std::uint32_t spurious_ = 0;
    std::uint32_t steps_ = 0;
    std::uint64_t news_ = 0;  // stores that changed a value
    std::size_t patience_ = 0;  // tries of spinning threads since the last news
    std::size_t roused_ = 0;  // the last thread that got one
};

}  // namespace weft::model
