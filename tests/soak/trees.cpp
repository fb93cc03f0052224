// Trees: tasks that make tasks, pinned and not, awaited in either order, some begun at once, some only called; a node's
// sum is that of its children and 1. Each node sees its own depth in a context variable.
#include <cstddef>
#include <memory>
#include <utility>
#include <vector>

#include "sync/context_var.hpp"
#include "sync/future.hpp"
#include "sync/task.hpp"
#include "tests/soak/crowd.hpp"
#include "tests/soak/part.hpp"

namespace weft::soak {

namespace {

constexpr int kDepth = 5;
constexpr std::uint32_t kMostChildren = 4;

ContextVar<int> depth_of_node("depth of node");

class Trees final : public Part {
public:
    Trees() : Part("trees") {}

    Coro<> round(Random random) override {
        const Random seed = random.split();
        depth_of_node.set(0);
        const auto root = create_task(grow(seed, 1), {.loop = somewhere(random)});
        const auto told = create_future<>();
        root.add_done_callback([told](const Task<std::uint64_t>&) { told.set_result(); });
        const std::uint64_t size = co_await root;
        co_await told;
        check(size == size_of(seed, 1), "the sum of a tree is not its size");
        check(depth_of_node.get() == 0, "a child has changed its parent's context");
        did(size);
    }

private:
    static std::uint32_t children_of(Random& node, int depth) {
        return depth == kDepth ? 0 : node.from_to(1, kMostChildren);
    }

    static std::uint64_t size_of(Random node, int depth) {
        std::uint64_t size = 1;
        for (std::uint32_t left = children_of(node, depth); left != 0; --left) size += size_of(node.split(), depth + 1);
        return size;
    }

    Coro<std::uint64_t> grow(Random node, int depth) {
        const int above = depth_of_node.get();
        check(above == depth - 1, "a task has not begun in its creator's context");
        std::vector<Random> seeds;
        for (std::uint32_t left = children_of(node, depth); left != 0; --left) seeds.push_back(node.split());
        depth_of_node.set(depth);

        std::vector<Task<std::uint64_t>> children;
        std::uint64_t size = 1;
        for (const Random& seed : seeds) {
            const std::uint32_t kind = node.below(8);
            if (kind == 0) {
                depth_of_node.set(depth);
                size += co_await called(seed, depth);
            } else if (kind == 1) {
                children.push_back(spawn([this, seed, depth] { return grow(seed, depth + 1); }));
            } else {
                children.push_back(
                    create_task(grow(seed, depth + 1), {.loop = somewhere(node), .eager_start = kind == 2}));
            }
        }
        co_await pause(node);
        const bool backwards = node.one_in(2);
        for (std::size_t i = 0; i < children.size(); ++i) {
            size += co_await children[backwards ? children.size() - 1 - i : i];
        }
        check(depth_of_node.get() == depth, "a child has changed its parent's context");
        co_return size;
    }

    // In the same task, hence in the same context.
    Coro<std::uint64_t> called(Random seed, int depth) {
        const std::uint64_t size = co_await grow(seed, depth + 1);
        depth_of_node.set(depth);
        co_return size;
    }
};

}  // namespace

std::unique_ptr<Part> make_trees() { return std::make_unique<Trees>(); }

}  // namespace weft::soak
