// Heap: how much memory the program holds, for tests of things that must not grow.
#pragma once

#include <malloc.h>

#include <cstddef>

namespace weft::test {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
inline constexpr bool kSanitized = true;
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
inline constexpr bool kSanitized = true;
#else
inline constexpr bool kSanitized = false;
#endif
#else
inline constexpr bool kSanitized = false;
#endif

// Bytes that were allocated and not freed. Sanitizers have an allocator of their own: then 0.
inline std::size_t bytes_held() { return kSanitized ? 0 : mallinfo2().uordblks; }

}  // namespace weft::test
