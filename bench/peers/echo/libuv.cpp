#include "bench/peers/echo/echo.hpp"
#include "bench/peers/libuv_server.hpp"

int main(int argc, char** argv) { return bench::serve<bench::Echo>(argc, argv); }
