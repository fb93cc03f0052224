# Stages the public headers under include/weft/. In the tree includes are root-relative
# ("scheduler/loop.hpp"); a consumer's own sync/future.hpp would clash with that, so the staged
# copies say "weft/scheduler/loop.hpp". api/weft.hpp and api/asio.hpp become <weft/weft.hpp> and
# <weft/asio.hpp>. Used at configure time and, through `cmake -P`, whenever a header changes.

# Where a header of the tree lives below include/.
function(weft_staged_path header result)
    string(REGEX REPLACE "^api/(weft|asio)\\.hpp$" "\\1.hpp" path "${header}")
    set(${result} "weft/${path}" PARENT_SCOPE)
endfunction()

function(weft_stage_header in out)
    file(READ "${in}" text)
    set(include "(#[ \t]*include[ \t]*\")")
    string(REGEX REPLACE "${include}api/((weft|asio)\\.hpp\")" "\\1weft/\\2" text "${text}")
    string(REGEX REPLACE "${include}((scheduler|sync|io|api)/)" "\\1weft/\\2" text "${text}")
    if(EXISTS "${out}" AND NOT CMAKE_SCRIPT_MODE_FILE)
        file(READ "${out}" old)
        if(old STREQUAL text)
            return() # configuring again must not make everything look new
        endif()
    endif()
    file(WRITE "${out}" "${text}")
endfunction()

# Gives `target` the staged tree `stage` as its public headers.
function(weft_stage_headers target stage)
    set(root ${PROJECT_SOURCE_DIR})
    file(GLOB headers RELATIVE ${root} CONFIGURE_DEPENDS
         ${root}/scheduler/*.hpp ${root}/sync/*.hpp ${root}/io/*.hpp ${root}/api/*.hpp)
    file(MAKE_DIRECTORY ${stage}/weft)
    set(staged "")
    foreach(header IN LISTS headers)
        weft_staged_path(${header} path)
        weft_stage_header(${root}/${header} ${stage}/${path})
        add_custom_command(OUTPUT ${stage}/${path} DEPENDS ${root}/${header}
            COMMAND ${CMAKE_COMMAND} -D IN=${root}/${header} -D OUT=${stage}/${path}
                    -P ${root}/cmake/stage_header.cmake
            COMMENT "Staging ${path}" VERBATIM)
        list(APPEND staged ${stage}/${path})
    endforeach()
    file(GLOB_RECURSE present ${stage}/*.hpp) # a header that left the tree must leave here too
    if(present AND staged)
        list(REMOVE_ITEM present ${staged})
    endif()
    if(present)
        file(REMOVE ${present})
    endif()
    target_sources(${target} PUBLIC FILE_SET HEADERS BASE_DIRS ${stage} FILES ${staged})
endfunction()

if(CMAKE_SCRIPT_MODE_FILE STREQUAL CMAKE_CURRENT_LIST_FILE)
    weft_stage_header("${IN}" "${OUT}")
endif()
