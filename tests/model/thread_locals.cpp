#include "tests/model/thread_locals.hpp"

#include <cxxabi.h>
#include <link.h>

#include <algorithm>
#include <cstring>
#include <span>

namespace weft::model {

namespace {

// The program's own block of thread_local variables: the loader's first object is the program.
struct Block {
    std::span<std::byte> now;
    std::span<const std::byte> initial;  // the rest is zero
};

int find(dl_phdr_info* info, std::size_t, void* result) {
    auto& block = *static_cast<Block*>(result);
    for (int i = 0; i < info->dlpi_phnum; ++i) {
        const auto& header = info->dlpi_phdr[i];
        if (header.p_type != PT_TLS) continue;
        block.now = {static_cast<std::byte*>(info->dlpi_tls_data), header.p_memsz};
        block.initial = {reinterpret_cast<const std::byte*>(info->dlpi_addr + header.p_vaddr), header.p_filesz};
    }
    return 1;  // no other object
}

const Block& block() {
    static const Block found = [] {
        Block result;
        dl_iterate_phdr(find, &result);
        return result;
    }();
    return found;
}

}  // namespace

bool ThreadLocals::contain(const void* address) {
    static const std::span<std::byte> all = block().now;
    return address >= all.data() && address < all.data() + all.size();
}

void ThreadLocals::begin() {
    variables_.assign(block().now.size(), std::byte{0});
    std::copy(block().initial.begin(), block().initial.end(), variables_.begin());
    exceptions_ = {};
}

void ThreadLocals::save() {
    variables_.assign(block().now.begin(), block().now.end());
    std::memcpy(&exceptions_, abi::__cxa_get_globals(), sizeof exceptions_);
}

void ThreadLocals::restore() const {
    std::copy(variables_.begin(), variables_.end(), block().now.begin());
    std::memcpy(abi::__cxa_get_globals(), &exceptions_, sizeof exceptions_);
}

}  // namespace weft::model
