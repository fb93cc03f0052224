// The owners of an exception, under ThreadSanitizer. An exception lives as long as somebody owns it: a future that ended
// with it, an exception_ptr, a catch block. libstdc++ counts them with acquire and release, but its binary is not
// instrumented: when one thread reads what an exception says and lets go, and another lets go last and destroys it, the
// count orders the two and ThreadSanitizer does not see that. A task's loop may always be the last, after everybody who has
// caught what the task threw, so each program that reads `what()` would now and then be accused. Here the two functions
// that let go are defined once more, where they are instrumented; the executable's definition comes before libstdc++'s.
//
// Invariant: what is defined here does what libstdc++'s does, and whoever destroys an exception has acquired what all
// earlier owners released. Except: a destructor of an exception that throws ends the program, as it does anywhere else but
// at the end of a catch block.
//
// Orderings
//   X1 owners: acq_rel sub    the last owner destroys what all others have read
//
// Not shown: the text that copies of one std::runtime_error or std::logic_error share, which libstdc++ counts, too. Whoever
// catches by reference makes no copy.
//
// Empty in every other build but that of the models (tests/model), and with another C++ library. A program that links
// libstdc++ statically keeps that one's functions, since these are weak.
//
// Rejected: suppressions, which hide true races of exceptions; keeping what failed until its reader has let go, which only
// the reader knows; annotations around libstdc++'s own functions, since the last owner must acquire between counting and
// destroying.
// Source: libsupc++'s eh_ptr.cc, eh_catch.cc and unwind-cxx.h; the Itanium C++ ABI, "Exception Handling", 2.2.1.

#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define WEFT_SEES_THREADS
#endif
#elif defined(__SANITIZE_THREAD__)
#define WEFT_SEES_THREADS
#endif

#include <exception>

#if defined(WEFT_SEES_THREADS) && defined(__GLIBCXX__)

#include <cxxabi.h>
#include <dlfcn.h>
#include <unwind.h>

#include <typeinfo>

#include "scheduler/atomic.hpp"

namespace {

// What libstdc++ keeps right before each exception that was thrown or made.
struct Header {
    int owners;
    struct {
        std::type_info* type;
        void (*destructor)(void*);
        void (*unexpected_handler)();
        void (*terminate_handler)();
        void* next;
        int handler_count;
        int handler_switch_value;
        const unsigned char* action_record;
        const unsigned char* language_specific_data;
        _Unwind_Ptr catch_temporary;
        void* adjusted;
        _Unwind_Exception unwind_header;
    } exception;
};

Header& header_of(void* exception) { return *(static_cast<Header*>(exception) - 1); }

}  // namespace

[[gnu::weak]] void std::__exception_ptr::exception_ptr::_M_release() noexcept {
    if (_M_exception_object == nullptr) return;
    Header& header = header_of(_M_exception_object);
    if (weft::scheduler::AtomicRef(header.owners).fetch_sub(1, std::memory_order_acq_rel) == 1) {  // X1
        if (header.exception.destructor != nullptr) header.exception.destructor(_M_exception_object);
        __cxxabiv1::__cxa_free_exception(_M_exception_object);
    }
    _M_exception_object = nullptr;
}

// The end of a catch block, which is never the last owner: one more is counted before and lets go after it, above.
extern "C" [[gnu::weak]] void __cxa_end_catch() {
    static const auto end_catch = [] {
        void* const next = dlsym(RTLD_NEXT, "__cxa_end_catch");  // none if libstdc++ is searched before the library
        return reinterpret_cast<void (*)()>(next != nullptr ? next : dlsym(RTLD_DEFAULT, "__cxa_end_catch"));
    }();
    const std::exception_ptr owner = std::current_exception();
    end_catch();
}

#endif
