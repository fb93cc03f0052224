# weft with its profiler, beside the normal library, whatever WEFT_PROFILE says: what tests and benchmarks of profile()
# link. A program has either all of it or nothing (sync/when_profiled.hpp), so these are libraries of their own.

# weft_core_profiled: core's objects. For a target that sees the tree.
function(weft_profiled_core)
    if(NOT TARGET weft_core_profiled)
        add_library(weft_core_profiled OBJECT EXCLUDE_FROM_ALL ${core_sources})
        target_compile_features(weft_core_profiled PUBLIC cxx_std_20)
        target_compile_definitions(weft_core_profiled PUBLIC WEFT_PROFILE=1)
        target_include_directories(weft_core_profiled PUBLIC ${PROJECT_SOURCE_DIR})
        target_link_libraries(weft_core_profiled PUBLIC Threads::Threads PRIVATE spdlog::spdlog TBB::tbb)
    endif()
endfunction()

# weft_profiled: all of it. For a target that sees <weft/weft.hpp>.
function(weft_profiled)
    weft_profiled_core()
    if(NOT TARGET weft_profiled)
        add_library(weft_profiled STATIC EXCLUDE_FROM_ALL $<TARGET_OBJECTS:weft_core_profiled> ${upper_sources})
        target_compile_features(weft_profiled PUBLIC cxx_std_20)
        target_compile_definitions(weft_profiled PUBLIC WEFT_PROFILE=1)
        target_include_directories(weft_profiled PRIVATE ${PROJECT_SOURCE_DIR}
                                   INTERFACE ${PROJECT_BINARY_DIR}/include)
        target_link_libraries(weft_profiled PUBLIC Threads::Threads Boost::headers PRIVATE spdlog::spdlog TBB::tbb)
        add_dependencies(weft_profiled weft) # stages the headers
    endif()
endfunction()
