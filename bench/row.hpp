// Row: what was measured of one problem on one framework at one number of loops.
//
// Times are nanoseconds per item of the problem (Problem::item says which). ratio is weft's median divided by oneTBB's
// at the same number of loops; efficiency is T1 / (n * Tn) of the framework's own medians. Either is absent where the
// rows it is made of were not measured.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace bench {

struct Row {
    std::string problem;
    std::string framework;
    std::size_t loops = 1;
    std::string item;
    double median_ns = 0;
    double min_ns = 0;
    double max_ns = 0;
    std::uint64_t rss_bytes =
        0;  // the process's peak while this row was measured, other frameworks' leftovers included
    std::optional<double> ratio;
    std::optional<double> efficiency;
};

inline const Row* find_row(const std::vector<Row>& rows, std::string_view framework, std::size_t loops) {
    for (const Row& row : rows) {
        if (row.framework == framework && row.loops == loops) return &row;
    }
    return nullptr;
}

// Fills in ratio and efficiency among the rows of one problem.
inline void compare(std::vector<Row>& rows) {
    for (Row& row : rows) {
        const Row* onetbb = find_row(rows, "onetbb", row.loops);
        if (row.framework == "weft" && onetbb != nullptr) row.ratio = row.median_ns / onetbb->median_ns;
        const Row* one_loop = find_row(rows, row.framework, 1);
        if (row.framework != "sequential" && one_loop != nullptr) {
            row.efficiency = one_loop->median_ns / (static_cast<double>(row.loops) * row.median_ns);
        }
    }
}

inline std::string formatted(const char* format, double value) {
    char text[64];
    std::snprintf(text, sizeof text, format, value);
    return text;
}

inline std::string to_json(const Row& row) {
    std::string json =
        "{\"problem\": \"" + row.problem + "\", \"framework\": \"" + row.framework +
        "\", \"loops\": " + std::to_string(row.loops) + ", \"item\": \"" + row.item +
        "\", \"median_ns\": " + formatted("%.4f", row.median_ns) + ", \"min_ns\": " + formatted("%.4f", row.min_ns) +
        ", \"max_ns\": " + formatted("%.4f", row.max_ns) + ", \"rss_bytes\": " + std::to_string(row.rss_bytes);
    if (row.ratio) json += ", \"ratio\": " + formatted("%.4f", *row.ratio);
    if (row.efficiency) json += ", \"efficiency\": " + formatted("%.4f", *row.efficiency);
    return json + "}";
}

inline void print_table(std::FILE* out, const std::vector<Row>& rows) {
    std::fprintf(out, "%-11s %-13s %-11s %5s %10s %10s %10s %8s %10s %9s\n", "problem", "item", "framework", "loops",
                 "median ns", "min ns", "max ns", "/onetbb", "efficiency", "peak MiB");
    std::string last;
    for (const Row& row : rows) {
        if (!last.empty() && row.problem != last) std::fputc('\n', out);
        last = row.problem;
        std::fprintf(out, "%-11s %-13s %-11s %5zu %10.3f %10.3f %10.3f %8s %10s %9.1f\n", row.problem.c_str(),
                     row.item.c_str(), row.framework.c_str(), row.loops, row.median_ns, row.min_ns, row.max_ns,
                     row.ratio ? formatted("%.3f", *row.ratio).c_str() : "",
                     row.efficiency ? formatted("%.2f", *row.efficiency).c_str() : "",
                     static_cast<double>(row.rss_bytes) / (1024.0 * 1024.0));
    }
}

}  // namespace bench
