#include "api/asio.hpp"

#include <stdexcept>

namespace weft {

boost::asio::io_context& get_io_context() {
    boost::asio::io_context* context = io::context_of(sync::require_loop());
    if (context == nullptr)
        throw std::runtime_error("this event loop has no io_context: expected one made by weft::run");
    return *context;
}

}  // namespace weft
