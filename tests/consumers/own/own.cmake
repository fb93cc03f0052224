# What both consumers build: the README's program, and a header of their own with a name of ours.
include(${CMAKE_CURRENT_LIST_DIR}/../../../cmake/readme_program.cmake)
weft_readme_program(${CMAKE_CURRENT_BINARY_DIR}/main.cpp)
add_executable(consumer ${CMAKE_CURRENT_BINARY_DIR}/main.cpp ${CMAKE_CURRENT_LIST_DIR}/own.cpp)
target_include_directories(consumer PRIVATE ${CMAKE_CURRENT_LIST_DIR})
target_link_libraries(consumer PRIVATE weft::weft)
