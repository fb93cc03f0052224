// Arguments: what weft_soak is told on its command line.
#pragma once

#include <cstddef>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <vector>

namespace weft::soak {

class WrongArgument : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

struct Arguments {
    double minutes = 1;
    std::uint64_t seed = 0;  // a random one unless it is given
    std::size_t loops = 8;
    std::string part;  // the only one; all if empty

    // Throws WrongArgument, which names the value and what was expected. `parts`: the names that there are.
    [[nodiscard]] static Arguments read(const std::vector<std::string>& words, const std::vector<std::string>& parts);
};

}  // namespace weft::soak
