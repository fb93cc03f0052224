// What the HTTP examples answer: one page, and errors that say what was wrong. Framework-free, so that the service and
// its peer in bench/peers/http serve the very same bytes.
#pragma once

#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <string>
#include <utility>

namespace examples {

namespace http = boost::beast::http;

using Request = http::request<http::string_body>;
using Response = http::response<http::string_body>;

inline Response reply_to(const Request& request) {
    const auto text = [&request](http::status status, std::string body) {
        Response response(status, request.version());
        response.set(http::field::server, "weft");
        response.set(http::field::content_type, "text/plain");
        response.keep_alive(request.keep_alive());
        response.body() = std::move(body);
        response.prepare_payload();
        if (request.method() == http::verb::head) response.body().clear();
        return response;
    };
    if (request.method() != http::verb::get && request.method() != http::verb::head) {
        return text(http::status::method_not_allowed, "expected GET or HEAD\n");
    }
    if (request.target() != "/") return text(http::status::not_found, "nothing here but /\n");
    return text(http::status::ok, "Hello, world!\n");
}

}  // namespace examples
