#include "tests/model/plain_memory.hpp"

#include <dlfcn.h>

#include <atomic>
#include <cstddef>
#include <cstdlib>
#include <new>
#include <utility>

#include "tests/model/execution.hpp"

namespace weft::model {

void PlainMemory::forget(std::uintptr_t begin, std::size_t bytes) {
    if (used_ == 0) return;
    for (std::uintptr_t word = begin / 8; word * 8 < begin + bytes; ++word) {
        for (std::size_t i = first_slot(word); slots_[i].generation == generation_; i = (i + 1) % kSlots) {
            if (slots_[i].word == word) slots_[i].epochs = {};
        }
    }
}

}  // namespace weft::model

// --- what clang calls ---------------------------------------------------------------------------

namespace {

using weft::model::Execution;

void read(const void* address, std::size_t bytes, const void* caller) {
    if (Execution::watches()) Execution::running()->read_memory(address, bytes, caller);
}

void write(const void* address, std::size_t bytes, const void* caller) {
    if (Execution::watches()) Execution::running()->write_memory(address, bytes, caller);
}

void give_back(void* memory, std::size_t bytes) {
    if (memory == nullptr) return;
    if (Execution* execution = Execution::running()) {
        execution->freed(memory, bytes, __builtin_return_address(0));
        if (execution->keep_spare(memory)) return;
    }
    std::free(memory);
}

void* fresh(void* memory, std::size_t bytes) {
    if (memory == nullptr) throw std::bad_alloc();
    if (Execution* execution = Execution::running()) execution->allocated(memory, bytes);
    return memory;
}

// Returns what it was. `order` as clang gives it.
int change(int* count, int by, int order) {
    if (!Execution::watches()) return std::exchange(*count, *count + by);
    return Execution::running()->change_count(*count, by, static_cast<std::memory_order>(order), nullptr);
}

// What libstdc++ keeps in front of an exception, with the count of its owners: as new as the exception.
constexpr std::size_t kExceptionHeader = 128;

}  // namespace

#define WEFT_TSAN_ACCESS(bytes)                                                                             \
    void __tsan_read##bytes(void* address) { read(address, bytes, __builtin_return_address(0)); }           \
    void __tsan_write##bytes(void* address) { write(address, bytes, __builtin_return_address(0)); }         \
    void __tsan_unaligned_read##bytes(void* address) { read(address, bytes, __builtin_return_address(0)); } \
    void __tsan_unaligned_write##bytes(void* address) { write(address, bytes, __builtin_return_address(0)); }

extern "C" {
WEFT_TSAN_ACCESS(1)
WEFT_TSAN_ACCESS(2)
WEFT_TSAN_ACCESS(4)
WEFT_TSAN_ACCESS(8)
WEFT_TSAN_ACCESS(16)
void __tsan_init() {}

// The counts of shared_ptr. A load finds the newest.
int __tsan_atomic32_load(int* count, int order) { return change(count, 0, order); }
int __tsan_atomic32_fetch_add(int* count, int by, int order) { return change(count, by, order); }
int __tsan_atomic32_compare_exchange_val(int* count, int expected, int desired, int order, int) {
    const int before = change(count, 0, order);
    if (before == expected) *count = desired;
    return before;
}
// Whether a function's static variable has been made.
char __tsan_atomic8_load(const char* guard, int) { return *guard; }

void __tsan_vptr_update(void** address, void*) { write(address, sizeof *address, __builtin_return_address(0)); }
void __tsan_vptr_read(void** address) { read(address, sizeof *address, __builtin_return_address(0)); }
}

// The C++ runtime has memory of its own for exceptions.
extern "C" void* __cxa_allocate_exception(std::size_t bytes) noexcept {
    static const auto allocate = reinterpret_cast<void* (*)(std::size_t)>(dlsym(RTLD_NEXT, "__cxa_allocate_exception"));
    void* const exception = allocate(bytes);
    if (Execution* execution = Execution::running()) {
        execution->allocated(static_cast<char*>(exception) - kExceptionHeader, bytes + kExceptionHeader);
    }
    return exception;
}

extern "C" void __cxa_free_exception(void* exception) noexcept {
    static const auto free = reinterpret_cast<void (*)(void*)>(dlsym(RTLD_NEXT, "__cxa_free_exception"));
    if (Execution* execution = Execution::running()) execution->freed(exception, 1, __builtin_return_address(0));
    free(exception);
}

// New memory has no history, and its end is a write: whoever may still use it must be ordered before.
void* operator new(std::size_t bytes) {
    Execution* const execution = Execution::running();
    void* const spare = execution == nullptr ? nullptr : execution->take_spare(bytes);
    return fresh(spare != nullptr ? spare : std::malloc(bytes == 0 ? 1 : bytes), bytes);
}

void* operator new(std::size_t bytes, std::align_val_t alignment) {
    const auto unit = static_cast<std::size_t>(alignment);
    return fresh(std::aligned_alloc(unit, (bytes + unit - 1) / unit * unit), bytes);
}

void operator delete(void* memory) noexcept { give_back(memory, 1); }  // at least

void operator delete(void* memory, std::align_val_t) noexcept { operator delete(memory); }

void operator delete(void* memory, std::size_t bytes, std::align_val_t) noexcept { operator delete(memory, bytes); }

void operator delete(void* memory, std::size_t bytes) noexcept { give_back(memory, bytes); }
