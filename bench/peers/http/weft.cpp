#include "bench/peers/http/page.hpp"
#include "bench/peers/weft_server.hpp"

int main(int argc, char** argv) { return bench::serve<bench::Page>(argc, argv); }
