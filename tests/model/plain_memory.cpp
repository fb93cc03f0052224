#include "tests/model/plain_memory.hpp"

#include <cstdlib>
#include <new>

#include "tests/model/execution.hpp"

namespace weft::model {

Epochs& PlainMemory::at(std::uintptr_t byte) {
    std::size_t i = (byte * 0x9e3779b97f4a7c15U) >> 49U;  // 15 bits
    while (slots_[i].generation == generation_ && slots_[i].byte != byte) i = (i + 1) % kSlots;
    Slot& slot = slots_[i];
    if (slot.generation != generation_) {
        slot = {byte, generation_, {}};
        ++used_;
    }
    return slot.epochs;
}

void PlainMemory::forget(std::uintptr_t begin, std::size_t bytes) {
    if (used_ == 0) return;
    for (std::size_t i = 0; i < bytes; ++i) at(begin + i) = {};
}

}  // namespace weft::model

// --- what clang calls ---------------------------------------------------------------------------

namespace {

using weft::model::Execution;

void read(const void* address, std::size_t bytes, const void* caller) {
    if (Execution* execution = Execution::running()) execution->read_memory(address, bytes, caller);
}

void write(const void* address, std::size_t bytes, const void* caller) {
    if (Execution* execution = Execution::running()) execution->write_memory(address, bytes, caller);
}

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
void __tsan_vptr_update(void** address, void*) { write(address, sizeof *address, __builtin_return_address(0)); }
void __tsan_vptr_read(void** address) { read(address, sizeof *address, __builtin_return_address(0)); }
}

// New memory has no history, and its end is a write: whoever may still use it must be ordered before.
void* operator new(std::size_t bytes) {
    void* memory = std::malloc(bytes == 0 ? 1 : bytes);
    if (memory == nullptr) throw std::bad_alloc();
    if (Execution* execution = Execution::running()) execution->allocated(memory, bytes);
    return memory;
}

void operator delete(void* memory) noexcept { std::free(memory); }

void operator delete(void* memory, std::size_t bytes) noexcept {
    if (memory != nullptr) write(memory, bytes, __builtin_return_address(0));
    std::free(memory);
}
