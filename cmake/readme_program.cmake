# weft_readme_program(OUT): writes the first ```cpp block of README.md, the program the README
# promises runs as printed, to OUT. String search, not regex lists: the code is full of ';' and '['.
set(WEFT_README ${CMAKE_CURRENT_LIST_DIR}/../README.md)

function(weft_readme_program out)
    set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${WEFT_README})
    file(READ ${WEFT_README} text)
    set(fence "```cpp\n")
    string(FIND "${text}" "${fence}" begin)
    if(begin EQUAL -1)
        message(FATAL_ERROR "README.md has no ```cpp block; its first one is the program to run")
    endif()
    string(LENGTH "${fence}" length)
    math(EXPR begin "${begin} + ${length}")
    string(SUBSTRING "${text}" ${begin} -1 text)
    string(FIND "${text}" "\n```" end)
    if(end EQUAL -1)
        message(FATAL_ERROR "README.md: its first ```cpp block has no end")
    endif()
    string(SUBSTRING "${text}" 0 ${end} text)
    file(CONFIGURE OUTPUT ${out} CONTENT "@text@\n" @ONLY) # writes only when it differs
endfunction()
