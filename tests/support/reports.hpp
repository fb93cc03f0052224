// Reports: listens to what the library would log, for the lifetime of the object. Made before loops start.
#pragma once

#include <algorithm>
#include <exception>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "sync/report.hpp"

namespace weft::test {

class Reports {
public:
    Reports() {
        clear();
        sync::set_report_sink(&listen);
    }
    Reports(const Reports&) = delete;
    Reports& operator=(const Reports&) = delete;
    ~Reports() { sync::set_report_sink(nullptr); }

    [[nodiscard]] std::vector<std::string> all() const {
        const std::lock_guard lock(heard().mutex);
        return heard().lines;
    }
    // How many contain `part`.
    [[nodiscard]] std::ptrdiff_t count(std::string_view part) const {
        const std::lock_guard lock(heard().mutex);
        return std::count_if(heard().lines.begin(), heard().lines.end(),
                             [part](const std::string& line) { return line.find(part) != std::string::npos; });
    }
    void clear() {
        const std::lock_guard lock(heard().mutex);
        heard().lines.clear();
    }

private:
    struct Heard {
        std::mutex mutex;
        std::vector<std::string> lines;
    };
    static Heard& heard() {
        static Heard instance;
        return instance;
    }
    static void listen(std::string_view message, const std::exception_ptr& exception) {
        const std::lock_guard lock(heard().mutex);
        heard().lines.push_back(std::string(message) + " | " + sync::describe(exception));
    }
};

}  // namespace weft::test
