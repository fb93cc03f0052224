// InvalidStateError: an operation that the object's state does not allow: a result that is not there yet, a second
// completion, an empty handle, awaiting something that was moved from.
#pragma once

#include <stdexcept>

namespace weft {

class InvalidStateError : public std::logic_error {
public:
    using std::logic_error::logic_error;
};

}  // namespace weft
