// A user's source that needs weft and a header of the user's own with the same name as one of ours.
#include "sync/future.hpp"

#include <weft/weft.hpp>

static_assert(own::kMine);
