// Reports: listens to what the library would log, for the lifetime of the object. Made before loops start.
#pragma once

#include <cstddef>
#include <exception>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "sync/exception_context.hpp"
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
    // How many contain `part`, in "message | exception" or anywhere in the text that would be logged.
    [[nodiscard]] std::ptrdiff_t count(std::string_view part) const {
        const std::lock_guard lock(heard().mutex);
        std::ptrdiff_t found = 0;
        for (std::size_t i = 0; i < heard().lines.size(); ++i) {
            found +=
                heard().lines[i].find(part) != std::string::npos || heard().texts[i].find(part) != std::string::npos;
        }
        return found;
    }
    // What would be logged.
    [[nodiscard]] std::vector<std::string> texts() const {
        const std::lock_guard lock(heard().mutex);
        return heard().texts;
    }
    void clear() {
        const std::lock_guard lock(heard().mutex);
        heard().lines.clear();
        heard().texts.clear();
    }

private:
    struct Heard {
        std::mutex mutex;
        std::vector<std::string> lines;
        std::vector<std::string> texts;
    };
    static Heard& heard() {
        static Heard instance;
        return instance;
    }
    static void listen(const ExceptionContext& context) {
        const std::lock_guard lock(heard().mutex);
        heard().lines.push_back(context.message + " | " + sync::describe(context.exception));
        heard().texts.push_back(sync::describe(context));
    }
};

}  // namespace weft::test
