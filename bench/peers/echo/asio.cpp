#include "bench/peers/asio_server.hpp"
#include "bench/peers/echo/echo.hpp"

int main(int argc, char** argv) { return bench::serve<bench::Echo>(argc, argv); }
