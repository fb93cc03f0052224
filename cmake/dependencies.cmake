# find_package whose failure names the Debian package that brings it.

# weft_require(NAME VERSION DEBIAN_PACKAGE [find_package arguments...]); VERSION "" means any.
# A macro: what find_package sets must reach the caller.
macro(weft_require name version package)
    find_package(${name} ${version} QUIET ${ARGN})
    if(NOT ${name}_FOUND)
        set(weft_found "none found")
        if(${name}_CONSIDERED_VERSIONS)
            set(weft_found ${${name}_CONSIDERED_VERSIONS})
            list(REMOVE_DUPLICATES weft_found)
            list(JOIN weft_found ", " weft_found)
            string(PREPEND weft_found "found only ")
        endif()
        set(weft_hint "")
        if("${name}" STREQUAL "Boost")
            set(weft_hint "; it conflicts with libboost1.74-dev, which has to go first")
        endif()
        string(STRIP "${name} ${version}" weft_wanted)
        message(FATAL_ERROR "weft needs ${weft_wanted} or newer, ${weft_found}: "
                            "apt-get install ${package}${weft_hint}")
    endif()
endmacro()
