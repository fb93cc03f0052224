# cmake -D CONSUMER=find_package|add_subdirectory -D WEFT_BUILD=<weft's build> -D BUILD=<folder>
#       -D COMPILER=... -D LAUNCHER=... -P run.cmake: builds the README's program as a user would.
function(step what)
    execute_process(COMMAND ${ARGN} RESULT_VARIABLE result)
    if(NOT result EQUAL 0)
        message(FATAL_ERROR "${what} failed for consumer ${CONSUMER}: ${result}")
    endif()
endfunction()

set(prefix ${BUILD}/prefix)
if(CONSUMER STREQUAL "find_package")
    file(REMOVE_RECURSE ${prefix}) # a header that is no longer installed must be missed
    step(install ${CMAKE_COMMAND} --install ${WEFT_BUILD} --prefix ${prefix})
endif()
step(configure ${CMAKE_COMMAND} -S ${CMAKE_CURRENT_LIST_DIR}/${CONSUMER} -B ${BUILD}/${CONSUMER}
     -G Ninja -D CMAKE_BUILD_TYPE=Release -D CMAKE_PREFIX_PATH=${prefix}
     -D CMAKE_CXX_COMPILER=${COMPILER} -D CMAKE_CXX_COMPILER_LAUNCHER=${LAUNCHER})
step(build ${CMAKE_COMMAND} --build ${BUILD}/${CONSUMER} --parallel 1)
step(run ${BUILD}/${CONSUMER}/consumer)
