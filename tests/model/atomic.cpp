#include "tests/model/atomic.hpp"

namespace weft::model {

void* Shelf::find(std::size_t index) const {
    for (const auto& [i, what] : all_) {
        if (i == index) return what;
    }
    return nullptr;
}

void Shelf::put(std::size_t index, void* what) { all_.emplace_back(index, what); }

}  // namespace weft::model
