#include "sync/lines.hpp"

#include <algorithm>

namespace weft::sync {

// Returns false, and it is in none, if there is something already.
bool Lines::enter(TaskState& task) {
    begin(task);
    race_.begin();
    waiting_ = true;
    for (Notified* line : lines_) {
        if (line->join(task, race_)) continue;
        if (!race_.win()) break;
        waiting_ = false;
        leave();
        return false;
    }
    return true;
}

void Lines::leave() noexcept {
    for (std::size_t i = 0; i < lines_.size(); ++i) left_[i] = lines_[i]->leave();
}

// If one was woken in place of another, that one is woken now.
void Lines::give_up() noexcept {
    waiting_ = false;
    if (race_.win()) task()->abandon();  // its frame ends: no wake is to come
    for (Notified* line : lines_) line->give_up();
}

void Lines::await_resume() {
    if (!waiting_) return;
    const bool cut_off = std::any_of(lines_.begin(), lines_.end(), [](const Notified* line) { return line->gone(); });
    if (interrupted() || cut_off) [[unlikely]] {
        give_up();
        throw_cancelled();
    }
    waiting_ = false;
    leave();
}

std::string Lines::in_words() const {
    std::string text;
    for (const Notified* line : lines_) text.append(text.empty() ? "" : " or ").append(line->in_words());
    return text;
}

}  // namespace weft::sync
