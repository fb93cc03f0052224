#include "bench/peers/echo/echo.hpp"
#include "bench/peers/raw_epoll_server.hpp"

int main(int argc, char** argv) { return bench::serve<bench::Echo>(argc, argv); }
