#include "sync/interruption.hpp"

#include <typeinfo>

#include "scheduler/loop.hpp"
#include "sync/errors.hpp"

namespace weft::sync {

bool is_interruption(const std::exception_ptr& failure) noexcept {
    if (failure == nullptr) return false;
#ifdef __GLIBCXX__
    const std::type_info& type = *failure.__cxa_exception_type();
    return type == typeid(SystemExit) || type == typeid(KeyboardInterrupt);
#else
    try {
        std::rethrow_exception(failure);
    } catch (const SystemExit&) {
        return true;
    } catch (const KeyboardInterrupt&) {
        return true;
    } catch (...) {
        return false;
    }
#endif
}

bool interrupt_run(const std::exception_ptr& failure) noexcept {
    scheduler::Loop* here = scheduler::current_loop();
    if (here == nullptr || !is_interruption(failure)) return false;
    here->interrupt(failure);
    return true;
}

}  // namespace weft::sync
