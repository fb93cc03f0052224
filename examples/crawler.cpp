// crawler: follows the references of local files, #include "..." and links in Markdown, from one file on.
//
//     visit(file): wait for a permit --> read it on a thread of the pool --> give the permit back
//                  --> find its references --> a task for each file that nobody has seen yet
//
// There are as many tasks as files that are found, and they are cheap: what costs is an open file, so a Semaphore lets
// only so many through. All are children of one task group, which ends when the last has found nothing new.
//
// Exit codes: 0 done, 1 the first file cannot be read, 2 a senseless command line, 130 interrupted by Ctrl-C.

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <charconv>
#include <cstddef>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <mutex>
#include <optional>
#include <set>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include <weft/weft.hpp>

namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMaxOpen = 1000;

constexpr std::string_view kUsage =
    "usage: crawler [--open N] [--root DIR]... FILE\n"
    "\n"
    "  --open  how many files are open at once (default: 8)\n"
    "  --root  where includes are looked for that are not beside the file that names them\n"
    "  FILE    where to begin\n"
    "\n"
    "WEFT_LOOPS in the environment is the number of event loops (default: one per usable core).\n";

struct Options {
    std::size_t open = 8;
    std::vector<fs::path> roots;
    fs::path start;
    bool help = false;
};

// ---- files and what they refer to -----------------------------------------------------------------------------------

// Throws std::system_error, which names the file.
std::string read_file(const fs::path& path) {
    if (fs::is_directory(path)) throw std::system_error(EISDIR, std::generic_category(), path.string());
    errno = 0;
    std::ifstream file(path, std::ios::binary);
    if (!file) throw std::system_error(errno, std::generic_category(), path.string());
    return {std::istreambuf_iterator<char>(file), {}};
}

struct Reference {
    std::string target;
    std::size_t line = 0;
};

// What is between `open` and `close` in `line`, from `at` on; `at` moves behind it.
std::optional<std::string_view> between(std::string_view line, std::string_view open, char close, std::size_t& at) {
    const std::size_t begin = line.find(open, at);
    if (begin == std::string_view::npos) return std::nullopt;
    const std::size_t end = line.find(close, begin + open.size());
    if (end == std::string_view::npos) return std::nullopt;
    at = end + 1;
    return line.substr(begin + open.size(), end - begin - open.size());
}

void references_in_code(std::string_view line, std::size_t number, std::vector<Reference>& found) {
    const std::size_t hash = line.find_first_not_of(" \t");
    if (hash == std::string_view::npos || line[hash] != '#') return;
    const std::size_t verb = line.find_first_not_of(" \t", hash + 1);
    if (verb == std::string_view::npos || !line.substr(verb).starts_with("include")) return;
    std::size_t at = verb;
    if (const auto target = between(line, "\"", '"', at)) found.push_back({std::string(*target), number});
}

// Links to places in the same file, and into the world, lead to no other file.
void references_in_markdown(std::string_view line, std::size_t number, std::vector<Reference>& found) {
    for (std::size_t at = 0; const auto link = between(line, "](", ')', at);) {
        const std::string_view target = link->substr(0, link->find_first_of("# "));
        if (target.empty() || target.find(':') != std::string_view::npos) continue;
        found.push_back({std::string(target), number});
    }
}

std::vector<Reference> references(std::string_view text, bool markdown) {
    std::vector<Reference> found;
    for (std::size_t number = 1; !text.empty(); ++number) {
        const std::string_view line = text.substr(0, text.find('\n'));
        markdown ? references_in_markdown(line, number, found) : references_in_code(line, number, found);
        text.remove_prefix(std::min(line.size() + 1, text.size()));
    }
    return found;
}

// The file or directory that is meant, in the one spelling that it has; nothing if there is none.
std::optional<fs::path> resolved(const fs::path& from, const std::string& target, const std::vector<fs::path>& roots) {
    std::error_code error;
    const fs::path beside = fs::canonical(from.parent_path() / target, error);
    if (!error) return beside;
    for (const fs::path& root : roots) {
        fs::path below = fs::canonical(root / target, error);
        if (!error) return below;
    }
    return std::nullopt;
}

struct Targets {
    std::vector<fs::path> files;
    std::vector<Reference> missing;
};

// Looks into directories, which may block: for a thread of the pool.
Targets look_up(const fs::path& from, const std::vector<Reference>& found, const std::vector<fs::path>& roots) {
    Targets targets;
    for (const Reference& reference : found) {
        if (std::optional<fs::path> file = resolved(from, reference.target, roots); !file) {
            targets.missing.push_back(reference);
        } else if (std::error_code ignored; fs::is_regular_file(*file, ignored)) {
            targets.files.push_back(std::move(*file));
        }
    }
    return targets;
}

// ---- the crawl ------------------------------------------------------------------------------------------------------

// Shared by all tasks, which run in parallel: atomics, and what is under the mutex. That is a plain one, because it is
// held for a few instructions and never over a co_await; what is held over one is a weft::Lock's business.
class Crawl {
public:
    explicit Crawl(const Options& chosen)
        : options(chosen), permits(static_cast<std::ptrdiff_t>(chosen.open), "open files") {}

    // True for who asks first.
    bool first_to_see(const fs::path& file) {
        const std::lock_guard lock(mutex_);
        return seen_.insert(file).second;
    }
    void complain(std::string text) {
        const std::lock_guard lock(mutex_);
        complaints_.insert(std::move(text));
    }
    [[nodiscard]] const std::set<std::string>& complaints() const { return complaints_; }  // once all tasks have ended

    const Options& options;
    weft::Semaphore permits;
    std::atomic<std::size_t> files = 0;
    std::atomic<std::size_t> bytes = 0;
    std::atomic<std::size_t> references = 0;
    std::atomic<std::size_t> open = 0;
    std::atomic<std::size_t> most_open = 0;

private:
    std::mutex mutex_;
    std::set<fs::path> seen_;
    std::set<std::string> complaints_;
};

// Counts the permits that are taken.
class Open {
public:
    explicit Open(Crawl& crawl) : crawl_(crawl) {
        const std::size_t open = ++crawl.open;
        std::size_t most = crawl.most_open;
        while (most < open && !crawl.most_open.compare_exchange_weak(most, open)) {
        }
    }
    Open(const Open&) = delete;
    Open& operator=(const Open&) = delete;
    ~Open() { --crawl_.open; }

private:
    Crawl& crawl_;
};

// A call on a thread of the pool runs to its end, even if the task that waits for it is cancelled: so it gets copies of
// what it needs, and no reference into the crawl.
weft::Coro<std::string> read_in_turn(Crawl& crawl, const fs::path& file) {
    const auto permit = co_await crawl.permits.scoped();
    const Open open(crawl);
    co_return co_await weft::to_thread(read_file, file);
}

weft::Coro<> visit(Crawl& crawl, weft::TaskGroup& group, fs::path file) {
    std::string text;
    try {
        text = co_await read_in_turn(crawl, file);
    } catch (const std::system_error& error) {
        crawl.complain(error.what());  // one file less, no reason to stop
        co_return;
    }
    ++crawl.files;
    crawl.bytes += text.size();

    std::vector<Reference> found = references(text, file.extension() == ".md");
    crawl.references += found.size();
    const Targets targets = co_await weft::to_thread(look_up, file, std::move(found), crawl.options.roots);
    for (const Reference& reference : targets.missing) {
        crawl.complain(file.string() + ":" + std::to_string(reference.line) + ": no such file: " + reference.target);
    }
    for (const fs::path& target : targets.files) {
        if (crawl.first_to_see(target)) group.create_task(visit(crawl, group, target));
    }
}

// `options` outlives the run.
weft::Coro<> crawl_from_start(const Options& options) {
    Crawl crawl(options);
    (void)co_await weft::to_thread(read_file, options.start);  // if that fails there is nothing to crawl: throws
    const fs::path start = fs::canonical(options.start);
    (void)crawl.first_to_see(start);
    const auto from_start = [&crawl, &start](weft::TaskGroup& group) { return visit(crawl, group, start); };
    co_await weft::task_group(from_start);

    std::printf("files       %zu, %zu bytes\n", crawl.files.load(), crawl.bytes.load());
    std::printf("references  %zu\n", crawl.references.load());
    std::printf("most open   %zu of %zu\n", crawl.most_open.load(), options.open);
    std::printf("complaints  %zu\n", crawl.complaints().size());
    for (const std::string& complaint : crawl.complaints()) std::printf("  %s\n", complaint.c_str());
}

// ---- the command line -----------------------------------------------------------------------------------------------

class UsageError : public std::invalid_argument {
    using std::invalid_argument::invalid_argument;
};

Options parse(const std::vector<std::string>& arguments) {
    Options options;
    for (std::size_t i = 0; i < arguments.size(); ++i) {
        const std::string& argument = arguments[i];
        if (argument == "--help" || argument == "-h") {
            options.help = true;
        } else if (argument == "--open" || argument == "--root") {
            if (++i == arguments.size()) throw UsageError(argument + ": expected a value after it");
            const std::string& value = arguments[i];
            if (argument == "--root") {
                options.roots.emplace_back(value);
                continue;
            }
            const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), options.open);
            if (error != std::errc() || end != value.data() + value.size() || options.open < 1 ||
                options.open > kMaxOpen) {
                throw UsageError("--open " + value + ": expected a whole number from 1 to " + std::to_string(kMaxOpen));
            }
        } else if (argument.starts_with("--") || !options.start.empty()) {
            throw UsageError(argument + ": expected one file, --open, --root or --help");
        } else {
            options.start = argument;
        }
    }
    if (options.start.empty() && !options.help) throw UsageError("expected a file to begin with; --help tells more");
    return options;
}

}  // namespace

int main(int argc, char** argv) {
    try {
        const Options options = parse(std::vector<std::string>(argv + 1, argv + argc));
        if (options.help) {
            std::fputs(kUsage.data(), stdout);
            return 0;
        }
        weft::run(crawl_from_start(options));
        return 0;
    } catch (const UsageError& error) {
        std::fprintf(stderr, "crawler: %s\n", error.what());
        return 2;
    } catch (const weft::KeyboardInterrupt&) {  // Ctrl-C: run has cancelled all tasks, and they have ended
        std::fputs("crawler: interrupted\n", stderr);
        return 130;
    } catch (const std::exception& error) {
        std::fprintf(stderr, "crawler: %s\n", error.what());
        return 1;
    }
}
