#include "bench/peers/asio_server.hpp"
#include "bench/peers/http/page.hpp"

int main(int argc, char** argv) { return bench::serve<bench::Page>(argc, argv); }
