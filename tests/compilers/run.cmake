# cmake -D COMPILER=... -D VARIANT=... -D BUILD=<folder> -P run.cmake: builds awaits.cpp and runs it.
set(package_clang++-19 "clang-19 libclang-rt-19-dev")
set(package_g++-12 "g++")
find_program(compiler ${COMPILER})
if(NOT compiler)
    message(FATAL_ERROR "${COMPILER} not found: apt-get install ${package_${COMPILER}}")
endif()

function(step what)
    execute_process(COMMAND ${ARGN} RESULT_VARIABLE result)
    if(NOT result EQUAL 0)
        message(FATAL_ERROR "${what} failed with ${COMPILER}, variant ${VARIANT}: ${result}")
    endif()
endfunction()

step(configure ${CMAKE_COMMAND} -S ${CMAKE_CURRENT_LIST_DIR} -B ${BUILD} -G Ninja
     -D CMAKE_CXX_COMPILER=${compiler} -D VARIANT=${VARIANT})
step(build ${CMAKE_COMMAND} --build ${BUILD} --parallel 1) # ctest already runs two of these

# The ThreadSanitizer of g++ 12 knows no kernel that randomises 32 bits of addresses: switch that
# off where the kernel lets us.
set(fixed_addresses "")
if(VARIANT STREQUAL "tsan")
    execute_process(COMMAND setarch -R true RESULT_VARIABLE result OUTPUT_QUIET ERROR_QUIET)
    if(result EQUAL 0)
        set(fixed_addresses setarch -R)
    endif()
endif()
set(ENV{ASAN_OPTIONS} "detect_leaks=1:detect_stack_use_after_return=0")
set(ENV{TSAN_OPTIONS} "halt_on_error=1:second_deadlock_stack=1")
step(run ${fixed_addresses} ${BUILD}/awaits)
