#include "sync/when_profiled.hpp"

namespace weft::sync {

#if WEFT_PROFILE
const char built_with_WEFT_PROFILE = 1;
#else
const char built_without_WEFT_PROFILE = 1;
#endif

}  // namespace weft::sync
