// Inbox: nothing lost, each sender's order kept, what is sent can be read, no lost wake-up.
#include "scheduler/inbox.hpp"

#include <array>
#include <cstddef>

#include "tests/model/models.hpp"
#include "tests/model/parker.hpp"

using weft::model::Cell;
using weft::model::Parker;
using weft::model::require;
using weft::model::together;
using weft::scheduler::Atomic;
using weft::scheduler::Fifo;
using weft::scheduler::Inbox;
using weft::scheduler::Runnable;

namespace {

class Letter final : public Runnable {
public:
    void run() noexcept override {}
    void drop() noexcept override {}

    Cell<int> number_{0};  // from 1 on, written by the sender before it sends
};

// Reads what came and checks that each sender's letters are in order: 11, 12 from the first, 21, 22 from the second.
class Reader {
public:
    void read(Fifo& letters) {
        while (Runnable* runnable = letters.pop()) {
            const int number = static_cast<Letter*>(runnable)->number_.get();
            int& last = last_[static_cast<std::size_t>(number / 10 - 1)];
            require(number % 10 == last + 1, "in the order of sending");
            ++last;
        }
    }
    [[nodiscard]] int received(std::size_t sender) const { return last_[sender]; }

private:
    std::array<int, 2> last_{};
};

void two_senders_and_the_owner() {
    Inbox inbox;
    std::array<Letter, 4> letters;
    Reader reader;
    const auto send = [&](std::size_t sender) {
        for (const std::size_t i : {std::size_t{0}, std::size_t{1}}) {
            Letter& letter = letters[2 * sender + i];
            letter.number_.set(static_cast<int>(10 * (sender + 1) + i + 1));
            require(inbox.push(letter) == Inbox::Push::sent, "it is open");
        }
    };
    const auto take = [&] {
        Fifo arrived;
        (void)inbox.take_all(arrived);
        reader.read(arrived);
    };
    together({[&] { send(0); }, [&] { send(1); },
              [&] {
                  take();
                  take();
              }});
    take();
    require(reader.received(0) == 2 && reader.received(1) == 2, "nothing is lost");
}

void a_sender_and_a_close() {
    Inbox inbox;
    std::array<Letter, 2> letters;
    Reader reader;
    int sent = 0;
    together({[&] {
                  for (std::size_t i = 0; i < letters.size(); ++i) {
                      letters[i].number_.set(static_cast<int>(11 + i));
                      if (inbox.push(letters[i]) == Inbox::Push::sent) ++sent;
                  }
              },
              [&] {
                  Fifo rest;
                  inbox.close(rest);
                  reader.read(rest);
              }});
    require(inbox.empty(), "closed");
    require(reader.received(0) == sent, "what was sent arrives, the rest is refused");
}

// As the loop does it (L1): the sender looks whether the owner sleeps, the owner looks once more before it does.
void a_sender_wakes_the_owner() {
    Inbox inbox;
    Letter letter;
    Atomic<bool> parked{false};
    Parker parker;
    together({[&] {
                  letter.number_.set(11);
                  (void)inbox.push(letter);
                  if (parked.load(std::memory_order_seq_cst)) parker.unpark();
              },
              [&] {
                  parked.store(true, std::memory_order_seq_cst);
                  if (inbox.empty()) parker.park();
                  Fifo arrived;
                  require(inbox.take_all(arrived), "the letter is there");
              }});
}

}  // namespace

WEFT_MODEL("inbox: two senders and the owner", two_senders_and_the_owner,
           {.type = "Inbox", .threads = {"push", "push", "take_all"}});

WEFT_MODEL("inbox: a close while somebody sends", a_sender_and_a_close,
           {.type = "Inbox", .threads = {"push", "close"}, .limits = {.spurious_failures = 1}});

WEFT_MODEL("inbox: no wake-up is lost", a_sender_wakes_the_owner,
           {.type = "Inbox", .threads = {"push", "empty, take_all"}});
