// pipeline: counts the words of many files, in parallel, and checks the counts against a sequential pass.
//
//     files → batches of about kBatchBytes → a task per batch: read, tokenise, count → a branch per shard: merge
//
// What goes from one to the next is moved, never shared. Each batch sorts its words into kShards separate tables by
// their spelling, so that the merging is parallel too: shard k of all batches meets in one branch, and no word is in
// two shards. Reading is synchronous, inside the tasks: the files come from the page cache, a loop may wait for them.
//
// A word is a run of ASCII letters and of bytes above 127 (letters in UTF-8), compared without regard to ASCII case.
//
// Exit codes: 0 done and the counts agree, 1 they do not or nothing could be read, 2 a senseless command line.

#include <fcntl.h>
#include <sched.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <exception>
#include <filesystem>
#include <functional>
#include <limits>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>
#include <unordered_map>
#include <utility>
#include <vector>

#include <weft/weft.hpp>

namespace {

constexpr std::size_t kBatchBytes = 512 * 1024;
constexpr std::size_t kShards = 16;
constexpr std::size_t kTopWords = 10;
constexpr std::size_t kMaxLoops = 1024;
constexpr std::size_t kMaxRounds = 1000;
constexpr std::size_t kDefaultMaxBytes = 64 * 1024 * 1024;

constexpr std::string_view kUsage =
    "usage: pipeline [--loops N] [--max-bytes N] [--rounds N] [--json] [FILE...]\n"
    "\n"
    "  --loops      number of event loops (default: one per usable core)\n"
    "  --max-bytes  stop adding files before this many bytes (default: 67108864, for FILEs no limit)\n"
    "  --rounds     how often both passes are timed; medians are given (default: 3)\n"
    "  --json       print {\"rows\": [...], ...} in place of the table\n"
    "  FILE         what to count (default: licences, copyright notes and C headers of this system)\n";

// ---- files and batches ----------------------------------------------------------------------------------------------

struct File {
    std::string path;
    std::size_t bytes = 0;
};

using Batch = std::vector<File>;

// Throws std::system_error with the reason the system gave.
std::string read_file(const std::string& path) {
    struct Descriptor {
        int number;
        ~Descriptor() {
            if (number >= 0) close(number);
        }
    } const file{open(path.c_str(), O_RDONLY | O_CLOEXEC)};
    struct stat status{};
    if (file.number < 0 || fstat(file.number, &status) != 0)
        throw std::system_error(errno, std::generic_category(), path);

    // The size is a hint only: files under /proc say 0, and any file may grow.
    std::string text(static_cast<std::size_t>(std::max<off_t>(status.st_size, 0)) + 1, '\0');
    std::size_t length = 0;
    for (;;) {
        const ssize_t got = read(file.number, text.data() + length, text.size() - length);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) throw std::system_error(errno, std::generic_category(), path);
        if (got == 0) break;
        length += static_cast<std::size_t>(got);
        if (length == text.size()) text.resize(2 * text.size());
    }
    text.resize(length);
    return text;
}

// Adds the regular files below `root` that `wanted` accepts, in order of their names. Links are left out: they would
// count a text twice.
void find_files(const std::string& root, bool (*wanted)(const std::filesystem::path&),
                std::vector<std::string>& paths) {
    namespace fs = std::filesystem;
    std::vector<std::string> found;
    std::error_code error;
    fs::recursive_directory_iterator entry(root, fs::directory_options::skip_permission_denied, error);
    for (; !error && entry != fs::recursive_directory_iterator(); entry.increment(error)) {
        std::error_code ignored;
        if (entry->is_regular_file(ignored) && !entry->is_symlink(ignored) && wanted(entry->path())) {
            found.push_back(entry->path().string());
        }
    }
    std::sort(found.begin(), found.end());
    paths.insert(paths.end(), found.begin(), found.end());
    if (error && error != std::errc::no_such_file_or_directory) {
        std::fprintf(stderr, "pipeline: warning: %s: %s\n", root.c_str(), error.message().c_str());
    }
}

std::vector<std::string> system_texts() {
    using std::filesystem::path;
    std::vector<std::string> paths;
    find_files("/usr/share/common-licenses", [](const path&) { return true; }, paths);
    find_files("/usr/share/doc", [](const path& file) { return file.filename() == "copyright"; }, paths);
    find_files("/usr/include", [](const path& file) { return file.extension() == ".h"; }, paths);
    return paths;
}

struct Input {
    std::vector<Batch> batches;
    std::size_t files = 0;
    std::size_t bytes = 0;
    std::size_t unreadable = 0;
};

// Reads every file once, to find out which can be read and to have all of them in the page cache before the first pass
// is timed. The tasks read them again.
Input probe(const std::vector<std::string>& paths, std::size_t max_bytes) {
    Input input;
    std::size_t batch_bytes = kBatchBytes;
    for (const std::string& path : paths) {
        std::size_t bytes = 0;
        try {
            bytes = read_file(path).size();
        } catch (const std::system_error& error) {
            ++input.unreadable;
            std::fprintf(stderr, "pipeline: warning: skipping %s: %s\n", path.c_str(),
                         std::strerror(error.code().value()));
            continue;
        }
        if (bytes > max_bytes - input.bytes) break;
        if (batch_bytes >= kBatchBytes) {
            input.batches.emplace_back();
            batch_bytes = 0;
        }
        input.batches.back().push_back(File{path, bytes});
        batch_bytes += bytes;
        input.bytes += bytes;
        ++input.files;
    }
    return input;
}

// ---- words ----------------------------------------------------------------------------------------------------------

struct SpellingHash {
    using is_transparent = void;
    std::size_t operator()(std::string_view word) const { return std::hash<std::string_view>()(word); }
};

using Words = std::unordered_map<std::string, std::uint64_t, SpellingHash, std::equal_to<>>;

// The words of a batch, sorted into shards. Move-only: a copy of a table would be an accident.
struct Counts {
    Counts() = default;
    Counts(Counts&&) = default;
    Counts& operator=(Counts&&) = default;

    std::array<Words, kShards> shards;
};

// What a byte is inside a word, or 0 if it ends one.
constexpr std::array<char, 256> kLetters = [] {
    std::array<char, 256> letters{};
    for (int c = 'a'; c <= 'z'; ++c) letters[static_cast<std::size_t>(c)] = static_cast<char>(c);
    for (int c = 'A'; c <= 'Z'; ++c) letters[static_cast<std::size_t>(c)] = static_cast<char>(c - 'A' + 'a');
    for (int c = 128; c < 256; ++c) letters[static_cast<std::size_t>(c)] = static_cast<char>(c);
    return letters;
}();

char letter(char c) { return kLetters[static_cast<unsigned char>(c)]; }

// Calls `count(word)` for each word of `text`, which is folded to lower case in place.
template <typename Count>
void tokenise(std::string& text, Count count) {
    for (std::size_t i = 0; i < text.size();) {
        const std::size_t begin = i;
        for (; i < text.size() && letter(text[i]) != 0; ++i) text[i] = letter(text[i]);
        if (i > begin) count(std::string_view(text).substr(begin, i - begin));
        if (i < text.size()) ++i;
    }
}

void add(Words& words, std::string_view word, std::uint64_t times) {
    const auto known = words.find(word);
    if (known != words.end()) {
        known->second += times;
    } else {
        words.emplace(word, times);
    }
}

// Any function of the spelling will do that spreads words evenly and is cheap beside the table's own hash.
std::size_t shard_of(std::string_view word) {
    const auto first = static_cast<unsigned char>(word.front());
    const auto last = static_cast<unsigned char>(word.back());
    return (first * 7U + last * 3U + word.size()) % kShards;
}

// ---- the two passes -------------------------------------------------------------------------------------------------

Words count_sequentially(const Input& input) {
    Words words;
    for (const Batch& batch : input.batches) {
        for (const File& file : batch) {
            std::string text = read_file(file.path);
            tokenise(text, [&](std::string_view word) { add(words, word, 1); });
        }
    }
    return words;
}

weft::Coro<Counts> count_batch(const Batch& batch) {
    Counts counts;
    for (const File& file : batch) {
        std::string text = read_file(file.path);
        tokenise(text, [&](std::string_view word) { add(counts.shards[shard_of(word)], word, 1); });
    }
    co_return counts;
}

weft::Coro<Words> merge_shard(std::vector<Counts>& batches, std::size_t shard) {
    Words merged;
    for (Counts& batch : batches) {
        Words words = std::move(batch.shards[shard]);
        if (merged.empty()) {
            merged = std::move(words);
            continue;
        }
        for (const auto& [word, times] : words) add(merged, word, times);
    }
    co_return merged;
}

// `input` must outlive weft::run: when a file cannot be read any more, the tasks of other batches are still at work.
weft::Coro<std::vector<Words>> count_in_parallel(const Input& input) {
    std::vector<weft::Task<Counts>> tasks;
    for (const Batch& batch : input.batches) tasks.push_back(weft::create_task(count_batch(batch)));
    std::vector<Counts> counts;
    for (weft::Task<Counts>& task : tasks) {
        Counts batch = co_await task;
        counts.push_back(std::move(batch));
    }

    std::vector<weft::Coro<Words>> branches;
    for (std::size_t shard = 0; shard < kShards; ++shard) branches.push_back(merge_shard(counts, shard));
    std::vector<Words> merged = co_await weft::fork_join(std::move(branches));
    co_return merged;
}

using Clock = std::chrono::steady_clock;

struct ParallelPass {
    ParallelPass() = default;
    ParallelPass(ParallelPass&&) = default;
    ParallelPass& operator=(ParallelPass&&) = default;

    std::vector<Words> shards;
    Clock::duration took{};
};

// Times from within, so that starting and stopping threads is not counted.
weft::Coro<ParallelPass> timed_in_parallel(const Input& input) {
    ParallelPass pass;
    const Clock::time_point start = Clock::now();
    pass.shards = co_await count_in_parallel(input);
    pass.took = Clock::now() - start;
    co_return pass;
}

// Returns "" if the shards hold exactly the words of `expected`, else the first difference found.
std::string difference(const Words& expected, const std::vector<Words>& shards) {
    std::size_t distinct = 0;
    for (const Words& shard : shards) {
        distinct += shard.size();
        for (const auto& [word, times] : shard) {
            const auto known = expected.find(word);
            const std::uint64_t right = known == expected.end() ? 0 : known->second;
            if (times != right) {
                return "'" + word + "': got " + std::to_string(times) + ", expected " + std::to_string(right);
            }
        }
    }
    if (distinct != expected.size()) {
        return "distinct words: got " + std::to_string(distinct) + ", expected " + std::to_string(expected.size());
    }
    return "";
}

// ---- the command line -----------------------------------------------------------------------------------------------

class UsageError : public std::invalid_argument {
    using std::invalid_argument::invalid_argument;
};

struct Options {
    std::size_t loops = 0;
    std::size_t max_bytes = 0;
    std::size_t rounds = 3;
    bool json = false;
    bool help = false;
    std::vector<std::string> files;
};

std::size_t parsed_number(const std::string& option, const std::string& text, std::size_t greatest) {
    std::size_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc() || end != text.data() + text.size() || number < 1 || number > greatest) {
        throw UsageError(option + " " + text + ": expected a whole number from 1 to " + std::to_string(greatest));
    }
    return number;
}

std::size_t usable_cores() {
    cpu_set_t mask;
    CPU_ZERO(&mask);
    return sched_getaffinity(0, sizeof mask, &mask) == 0 ? static_cast<std::size_t>(CPU_COUNT(&mask)) : 1;
}

Options parse(const std::vector<std::string>& arguments) {
    Options options;
    bool options_ended = false;
    for (std::size_t i = 0; i < arguments.size(); ++i) {
        const std::string& argument = arguments[i];
        if (options_ended || argument.empty() || argument.front() != '-') {
            options.files.push_back(argument);
        } else if (argument == "--") {
            options_ended = true;
        } else if (argument == "--help" || argument == "-h") {
            options.help = true;
        } else if (argument == "--json") {
            options.json = true;
        } else if (argument == "--loops" || argument == "--max-bytes" || argument == "--rounds") {
            if (++i == arguments.size()) throw UsageError(argument + ": expected a whole number after it");
            if (argument == "--loops") options.loops = parsed_number(argument, arguments[i], kMaxLoops);
            if (argument == "--rounds") options.rounds = parsed_number(argument, arguments[i], kMaxRounds);
            if (argument == "--max-bytes") {
                options.max_bytes = parsed_number(argument, arguments[i], std::numeric_limits<std::size_t>::max());
            }
        } else {
            throw UsageError(argument + ": expected a file, --loops, --max-bytes, --rounds, --json or --help");
        }
    }
    if (options.loops == 0) options.loops = usable_cores();
    if (options.max_bytes == 0) {
        options.max_bytes = options.files.empty() ? kDefaultMaxBytes : std::numeric_limits<std::size_t>::max();
    }
    return options;
}

// ---- the report -----------------------------------------------------------------------------------------------------

struct Timing {
    double median_ns = 0;
    double min_ns = 0;
    double max_ns = 0;
};

// Nanoseconds per byte of input.
Timing per_byte(std::vector<Clock::duration> passes, std::size_t bytes) {
    std::sort(passes.begin(), passes.end());
    const auto scaled = [bytes](Clock::duration pass) {
        return std::chrono::duration<double, std::nano>(pass).count() /
               static_cast<double>(std::max<std::size_t>(bytes, 1));
    };
    return Timing{scaled(passes[passes.size() / 2]), scaled(passes.front()), scaled(passes.back())};
}

struct Report {
    const Input& input;
    std::size_t loops;
    std::uint64_t words;
    std::size_t distinct;
    std::vector<std::pair<std::string, std::uint64_t>> top;
    Timing sequential;
    Timing parallel;
};

std::vector<std::pair<std::string, std::uint64_t>> top_words(const Words& words) {
    std::vector<std::pair<std::string, std::uint64_t>> top(words.begin(), words.end());
    const std::size_t kept = std::min(kTopWords, top.size());
    const auto more_frequent = [](const auto& a, const auto& b) {
        return a.second != b.second ? a.second > b.second : a.first < b.first;
    };
    std::partial_sort(top.begin(), top.begin() + static_cast<std::ptrdiff_t>(kept), top.end(), more_frequent);
    top.resize(kept);
    return top;
}

void print_row(const char* framework, std::size_t loops, const Timing& timing, const char* end) {
    std::printf(
        "  {\"problem\": \"pipeline\", \"framework\": \"%s\", \"loops\": %zu, \"item\": \"byte\", \"median_ns\": %.4f, "
        "\"min_ns\": %.4f, \"max_ns\": %.4f}%s\n",
        framework, loops, timing.median_ns, timing.min_ns, timing.max_ns, end);
}

// Words hold letters and bytes above 127, none of which JSON escapes; but what is not UTF-8 is not JSON, so words with
// such bytes are left out of it.
bool is_ascii(std::string_view word) {
    return std::all_of(word.begin(), word.end(), [](char c) { return static_cast<unsigned char>(c) < 128; });
}

void print_json(const Report& report) {
    std::puts("{\"rows\": [");
    print_row("sequential", 1, report.sequential, ",");
    print_row("weft", report.loops, report.parallel, "");
    std::printf(
        "], \"files\": %zu, \"unreadable\": %zu, \"bytes\": %zu, \"words\": %llu, \"distinct\": %zu, \"top\": [",
        report.input.files, report.input.unreadable, report.input.bytes, static_cast<unsigned long long>(report.words),
        report.distinct);
    const char* separator = "";
    for (const auto& [word, times] : report.top) {
        if (!is_ascii(word)) continue;
        std::printf("%s[\"%s\", %llu]", separator, word.c_str(), static_cast<unsigned long long>(times));
        separator = ", ";
    }
    std::puts("]}");
}

void print_table(const Report& report) {
    std::printf("files          %zu (%zu unreadable)\n", report.input.files, report.input.unreadable);
    std::printf("bytes          %zu\n", report.input.bytes);
    std::printf("words          %llu\n", static_cast<unsigned long long>(report.words));
    std::printf("distinct words %zu\n\n", report.distinct);
    for (const auto& [word, times] : report.top) {
        std::printf("%10llu  %s\n", static_cast<unsigned long long>(times), word.c_str());
    }
    std::printf("\n%-11s %5s %12s %10s %10s\n", "framework", "loops", "ns per byte", "min", "max");
    std::printf("%-11s %5d %12.3f %10.3f %10.3f\n", "sequential", 1, report.sequential.median_ns,
                report.sequential.min_ns, report.sequential.max_ns);
    std::printf("%-11s %5zu %12.3f %10.3f %10.3f\n", "weft", report.loops, report.parallel.median_ns,
                report.parallel.min_ns, report.parallel.max_ns);
}

// ---- main -----------------------------------------------------------------------------------------------------------

int count_words(const Options& options) {
    const std::vector<std::string> paths = options.files.empty() ? system_texts() : options.files;
    const Input input = probe(paths, options.max_bytes);
    if (input.files == 0 && input.unreadable == paths.size()) {
        std::fprintf(stderr, "pipeline: no input: none of %zu files could be read\n", paths.size());
        return 1;
    }
    if (input.files == 0) {
        std::fprintf(stderr, "pipeline: no input: the first readable file is larger than --max-bytes %zu\n",
                     options.max_bytes);
        return 1;
    }

    weft::RunOptions run_options;
    run_options.loops = static_cast<decltype(run_options.loops)>(options.loops);
    Words expected;
    std::vector<Clock::duration> sequential;
    std::vector<Clock::duration> parallel;
    for (std::size_t round = 0; round < options.rounds; ++round) {
        expected = Words();  // before the clock starts: freeing the last round's table is not part of this one
        const Clock::time_point start = Clock::now();
        expected = count_sequentially(input);
        sequential.push_back(Clock::now() - start);

        const ParallelPass pass = weft::run(timed_in_parallel(input), run_options);
        parallel.push_back(pass.took);
        const std::string wrong = difference(expected, pass.shards);
        if (!wrong.empty()) {
            std::fprintf(stderr, "pipeline: the parallel pass differs from the sequential one: %s\n", wrong.c_str());
            return 1;
        }
    }

    std::uint64_t words = 0;
    for (const auto& [word, times] : expected) words += times;
    const Report report{input,
                        options.loops,
                        words,
                        expected.size(),
                        top_words(expected),
                        per_byte(sequential, input.bytes),
                        per_byte(parallel, input.bytes)};
    options.json ? print_json(report) : print_table(report);
    return 0;
}

}  // namespace

int main(int argc, char** argv) {
    try {
        const Options options = parse(std::vector<std::string>(argv + 1, argv + argc));
        if (options.help) {
            std::fputs(kUsage.data(), stdout);
            return 0;
        }
        return count_words(options);
    } catch (const UsageError& error) {
        std::fprintf(stderr, "pipeline: %s\n", error.what());
        return 2;
    } catch (const std::exception& error) {
        std::fprintf(stderr, "pipeline: %s\n", error.what());
        return 1;
    }
}
