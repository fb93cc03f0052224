// staged_pipeline: counts the words of files in three stages with bounded queues between them.
//
//     files --> readers --[blocks of lines]--> counters --[tables of counts]--> mergers --> the sum
//
// Each stage is a task group of several workers. A stage that is faster than the next one finds the queue full, and waits
// (back-pressure): memory is bounded, however large the files are. A stage that has ended shuts the queue behind it down;
// the next one empties it, gets QueueShutDown, and so the end travels down the pipeline without a special item.
//
// An error in one worker ends its group, which ends the group of all stages: every other worker is cancelled where it
// waits, at a queue as a rule, and nothing is left running when the error arrives at the top. Try --fail.
//
// For a pass over batches that is as fast as it gets, with its timing, see pipeline.cpp.
//
// Exit codes: 0 done, 1 a stage failed, 2 a senseless command line, 130 interrupted by Ctrl-C.

#include <algorithm>
#include <atomic>
#include <cctype>
#include <cerrno>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <fstream>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>
#include <unordered_map>
#include <utility>
#include <vector>

#include <weft/weft.hpp>

namespace {

constexpr std::size_t kLinesPerBlock = 64;
constexpr std::size_t kTopWords = 5;
constexpr std::size_t kMaxNumber = 1000;

constexpr std::string_view kUsage =
    "usage: staged_pipeline [--workers N] [--room N] [--fail STAGE] [--at N] FILE...\n"
    "\n"
    "  --workers  tasks in each stage (default: 3)\n"
    "  --room     how many items a queue between two stages holds (default: 8)\n"
    "  --fail     read, count or merge: that stage fails, to show what becomes of the others\n"
    "  --at       at which of its items it does (default: 1)\n"
    "\n"
    "WEFT_LOOPS in the environment is the number of event loops (default: one per usable core).\n";

struct Options {
    std::size_t workers = 3;
    std::size_t room = 8;
    std::string fail;
    std::size_t at = 1;
    bool help = false;
    std::vector<std::string> files;
};

// ---- what goes through the pipeline ---------------------------------------------------------------------------------

struct Block {
    std::string file;
    std::size_t first_line = 0;
    std::vector<std::string> lines;
};

using Words = std::unordered_map<std::string, std::uint64_t>;

struct Table {
    std::string file;
    Words words;
};

// A queue between two stages, and what was seen of it. It outlives the tasks that wait at it.
template <class T>
struct Belt {
    Belt(std::size_t room, std::string_view name) : queue(static_cast<std::ptrdiff_t>(room), name) {}

    weft::Queue<T> queue;
    std::atomic<std::size_t> items = 0;
    std::atomic<std::size_t> longest = 0;
    std::atomic<std::size_t> full = 0;  // how often somebody found it so
};

template <class T>
weft::Coro<> put(Belt<T>& belt, T item) {
    if (belt.queue.full()) ++belt.full;
    co_await belt.queue.put(std::move(item));  // here a stage waits for the one behind it
    ++belt.items;
    const std::size_t length = belt.queue.qsize();
    std::size_t longest = belt.longest;
    while (longest < length && !belt.longest.compare_exchange_weak(longest, length)) {
    }
}

// Makes one worker of a stage fail, if that is what was asked for.
class Fault {
public:
    Fault(const Options& options, std::string_view stage)
        : stage_(stage), at_(options.fail == stage ? options.at : 0) {}

    void strike(const std::string& where) {
        if (++items_ == at_) throw std::runtime_error(std::string(stage_) + ": made to fail at " + where);
    }
    [[nodiscard]] std::size_t items() const { return items_; }

private:
    const std::string_view stage_;
    const std::size_t at_;  // 0: never
    std::atomic<std::size_t> items_ = 0;
};

struct Pipeline {
    explicit Pipeline(const Options& chosen)
        : options(chosen), files(0, "files"), blocks(chosen.room, "blocks"), tables(chosen.room, "tables") {}

    const Options& options;
    Belt<std::string> files;  // unbounded: the command line is in memory already
    Belt<Block> blocks;
    Belt<Table> tables;
    Fault reading{options, "read"};
    Fault counting{options, "count"};
    Fault merging{options, "merge"};
};

// ---- the stages -----------------------------------------------------------------------------------------------------

std::shared_ptr<std::ifstream> open_file(const std::string& path) {
    auto file = std::make_shared<std::ifstream>(path);
    if (!*file) throw std::system_error(errno, std::generic_category(), path);
    return file;
}

// Shares the file with the reader: it may have been cancelled, and gone, while a thread of the pool still reads.
std::vector<std::string> read_lines(const std::shared_ptr<std::ifstream>& file, const std::string& path) {
    std::vector<std::string> lines;
    for (std::string line; lines.size() < kLinesPerBlock && std::getline(*file, line);)
        lines.push_back(std::move(line));
    if (file->bad()) throw std::runtime_error(path + ": cannot be read");
    return lines;
}

// Blocking reads happen on threads of the pool; meanwhile the loop runs other tasks.
weft::Coro<> read_file(Pipeline& pipeline, std::string path) {
    const auto file = co_await weft::to_thread(open_file, path);
    for (std::size_t line = 1;;) {
        Block block;
        block.lines = co_await weft::to_thread(read_lines, file, path);
        if (block.lines.empty()) co_return;
        block.file = path;
        block.first_line = line;
        line += block.lines.size();
        pipeline.reading.strike(path + ":" + std::to_string(block.first_line));
        co_await put(pipeline.blocks, std::move(block));
    }
}

weft::Coro<> reader(Pipeline& pipeline) {
    try {
        for (;;) {
            std::string path = co_await pipeline.files.queue.get();
            co_await read_file(pipeline, std::move(path));
        }
    } catch (const weft::QueueShutDown&) {
        // No file is left. Only get() can have said so: the queue of blocks is open as long as a reader runs.
    }
}

void count_words(std::string_view line, Words& words) {
    const auto in_word = [](char c) { return std::isalpha(static_cast<unsigned char>(c)) != 0; };
    for (auto at = line.begin(); at != line.end();) {
        const auto begin = std::find_if(at, line.end(), in_word);
        at = std::find_if_not(begin, line.end(), in_word);
        if (begin == at) continue;
        std::string word(begin, at);
        for (char& c : word) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
        ++words[word];
    }
}

weft::Coro<> counter(Pipeline& pipeline) {
    try {
        for (;;) {
            const Block block = co_await pipeline.blocks.queue.get();
            pipeline.counting.strike(block.file + ":" + std::to_string(block.first_line));
            Table table{block.file, {}};
            for (const std::string& line : block.lines) count_words(line, table.words);
            co_await put(pipeline.tables, std::move(table));
        }
    } catch (const weft::QueueShutDown&) {
    }
}

void add(Words& sum, const Words& words) {
    for (const auto& [word, times] : words) sum[word] += times;
}

// Each merger has a sum of its own: what is not shared needs no lock.
weft::Coro<> merger(Pipeline& pipeline, Words& sum) {
    try {
        for (;;) {
            const Table table = co_await pipeline.tables.queue.get();
            pipeline.merging.strike("a table of " + table.file);
            add(sum, table.words);
        }
    } catch (const weft::QueueShutDown&) {
    }
}

// A stage's tasks: `worker(i)` is the i-th. The lambdas below are no coroutines themselves, they return one: what they
// capture need not outlive them.
template <class Worker>
weft::Coro<> start_workers(weft::TaskGroup& group, std::size_t count, const Worker& worker) {
    for (std::size_t i = 0; i < count; ++i) group.create_task(worker(i));
    co_return;
}

// Returns when all have ended.
template <class Worker>
weft::Coro<> run_workers(std::size_t count, const Worker& worker) {
    const auto start = [&](weft::TaskGroup& group) { return start_workers(group, count, worker); };
    co_await weft::task_group(start);
}

weft::Coro<> read_stage(Pipeline& pipeline) {
    const auto worker = [&pipeline](std::size_t) { return reader(pipeline); };
    co_await run_workers(pipeline.options.workers, worker);
    pipeline.blocks.queue.shutdown();  // no more will come
}

weft::Coro<> count_stage(Pipeline& pipeline) {
    const auto worker = [&pipeline](std::size_t) { return counter(pipeline); };
    co_await run_workers(pipeline.options.workers, worker);
    pipeline.tables.queue.shutdown();
}

weft::Coro<> merge_stage(Pipeline& pipeline, Words& sum) {
    std::vector<Words> sums(pipeline.options.workers);
    const auto worker = [&pipeline, &sums](std::size_t i) { return merger(pipeline, sums[i]); };
    co_await run_workers(sums.size(), worker);
    for (const Words& each : sums) add(sum, each);
}

weft::Coro<> start_stages(weft::TaskGroup& group, Pipeline& pipeline, Words& sum) {
    group.create_task(read_stage(pipeline), {.name = "read"});
    group.create_task(count_stage(pipeline), {.name = "count"});
    group.create_task(merge_stage(pipeline, sum), {.name = "merge"});
    co_return;
}

// ---- the whole ------------------------------------------------------------------------------------------------------

template <class T>
void print_belt(const char* what, const Belt<T>& belt) {
    std::printf("%s  %zu, longest queue %zu of %td, full %zu times\n", what, belt.items.load(), belt.longest.load(),
                belt.queue.maxsize(), belt.full.load());
}

void print_report(const Pipeline& pipeline, const Words& sum) {
    std::printf("files   %zu\n", pipeline.files.items.load());
    print_belt("blocks", pipeline.blocks);
    print_belt("tables", pipeline.tables);
    std::uint64_t words = 0;
    for (const auto& [word, times] : sum) words += times;
    std::printf("words   %llu, %zu distinct\n", static_cast<unsigned long long>(words), sum.size());

    std::vector<std::pair<std::string, std::uint64_t>> top(sum.begin(), sum.end());
    const auto more_frequent = [](const auto& a, const auto& b) {
        return a.second != b.second ? a.second > b.second : a.first < b.first;
    };
    std::sort(top.begin(), top.end(), more_frequent);
    top.resize(std::min(top.size(), kTopWords));
    for (const auto& [word, times] : top) {
        std::printf("%8llu  %s\n", static_cast<unsigned long long>(times), word.c_str());
    }
}

// One line for each failure, whichever group it came through.
void print_failures(const weft::ExceptionGroup& group) {
    for (const std::exception_ptr& failure : group.exceptions()) {
        try {
            std::rethrow_exception(failure);
        } catch (const weft::ExceptionGroup& nested) {
            print_failures(nested);
        } catch (const std::exception& error) {
            std::fprintf(stderr, "staged_pipeline: %s\n", error.what());
        }
    }
}

// `options` outlives the run.
weft::Coro<int> count_files(const Options& options) {
    Pipeline pipeline(options);
    Words sum;
    for (const std::string& file : options.files) co_await put(pipeline.files, file);
    pipeline.files.queue.shutdown();

    const auto stages = [&](weft::TaskGroup& group) { return start_stages(group, pipeline, sum); };
    try {
        co_await weft::task_group(stages);
    } catch (const weft::ExceptionGroup& failures) {
        print_failures(failures);
        std::fprintf(stderr,
                     "staged_pipeline: gave up after %zu blocks read, %zu counted, %zu merged; tasks left: %zu\n",
                     pipeline.reading.items(), pipeline.counting.items(), pipeline.merging.items(),
                     weft::all_tasks().size() - 1);  // without this one
        co_return 1;
    }
    print_report(pipeline, sum);
    co_return 0;
}

// ---- the command line -----------------------------------------------------------------------------------------------

class UsageError : public std::invalid_argument {
    using std::invalid_argument::invalid_argument;
};

std::size_t parsed_number(const std::string& option, const std::string& text) {
    std::size_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc() || end != text.data() + text.size() || number < 1 || number > kMaxNumber) {
        throw UsageError(option + " " + text + ": expected a whole number from 1 to " + std::to_string(kMaxNumber));
    }
    return number;
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
        } else if (argument == "--workers" || argument == "--room" || argument == "--at" || argument == "--fail") {
            if (++i == arguments.size()) throw UsageError(argument + ": expected a value after it");
            const std::string& value = arguments[i];
            if (argument == "--workers") options.workers = parsed_number(argument, value);
            if (argument == "--room") options.room = parsed_number(argument, value);
            if (argument == "--at") options.at = parsed_number(argument, value);
            if (argument != "--fail") continue;
            if (value != "read" && value != "count" && value != "merge") {
                throw UsageError("--fail " + value + ": expected read, count or merge");
            }
            options.fail = value;
        } else {
            throw UsageError(argument + ": expected a file, --workers, --room, --fail, --at or --help");
        }
    }
    if (options.files.empty() && !options.help) throw UsageError("expected at least one file; --help tells more");
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
        return weft::run(count_files(options));
    } catch (const UsageError& error) {
        std::fprintf(stderr, "staged_pipeline: %s\n", error.what());
        return 2;
    } catch (const weft::KeyboardInterrupt&) {  // Ctrl-C: run has cancelled all tasks, and they have ended
        std::fputs("staged_pipeline: interrupted\n", stderr);
        return 130;
    } catch (const std::exception& error) {
        std::fprintf(stderr, "staged_pipeline: %s\n", error.what());
        return 1;
    }
}
