// Matmul: C += A * B for square matrices, by halving all three dimensions down to blocks that fit the cache.
//
// It measures a few thousand heavy branches, where the scheduler should not be seen at all: four quadrants of C side by
// side, twice, because the second half of the products adds to the same quadrants. All versions share one block kernel.
// Item: one multiply-add, of which there are n * n * n.
//
// The check: entries are small whole numbers, so every sum is exact whatever its order, and u' * C * v must equal
// (u' * A) * (B * v) modulo 2^64. The weights u and v are odd, so a single wrong cell always shows.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include <oneapi/tbb/task_group.h>
#include <weft/weft.hpp>

#include "bench/problem.hpp"

namespace bench {

inline constexpr std::size_t kMatmulBlock = 64;

// A square part of three matrices that share one row stride.
struct Product {
    double* c;
    const double* a;
    const double* b;
    std::size_t size;
    std::size_t stride;

    // The product of two quadrants (row, inner) of A and (inner, column) of B, which adds to (row, column) of C.
    [[nodiscard]] Product quadrant(std::size_t row, std::size_t column, std::size_t inner) const {
        const std::size_t half = size / 2;
        return Product{c + (row * stride + column) * half, a + (row * stride + inner) * half,
                       b + (inner * stride + column) * half, half, stride};
    }
};

[[gnu::noinline]] inline void matmul_block(Product product) {
    for (std::size_t i = 0; i < product.size; ++i) {
        double* __restrict c = product.c + i * product.stride;
        for (std::size_t k = 0; k < product.size; ++k) {
            const double a = product.a[i * product.stride + k];
            const double* __restrict b = product.b + k * product.stride;
            for (std::size_t j = 0; j < product.size; ++j) c[j] += a * b[j];
        }
    }
}

inline void matmul_sequential(Product product) {
    if (product.size <= kMatmulBlock) return matmul_block(product);
    for (std::size_t inner = 0; inner < 2; ++inner) {
        matmul_sequential(product.quadrant(0, 0, inner));
        matmul_sequential(product.quadrant(0, 1, inner));
        matmul_sequential(product.quadrant(1, 0, inner));
        matmul_sequential(product.quadrant(1, 1, inner));
    }
}

inline void matmul_onetbb(Product product) {
    if (product.size <= kMatmulBlock) return matmul_block(product);
    for (std::size_t inner = 0; inner < 2; ++inner) {
        tbb::task_group group;
        group.run([product, inner] { matmul_onetbb(product.quadrant(0, 0, inner)); });
        group.run([product, inner] { matmul_onetbb(product.quadrant(0, 1, inner)); });
        group.run([product, inner] { matmul_onetbb(product.quadrant(1, 0, inner)); });
        matmul_onetbb(product.quadrant(1, 1, inner));
        group.wait();
    }
}

inline weft::Coro<> matmul_weft(Product product) {
    if (product.size <= kMatmulBlock) {
        matmul_block(product);
        co_return;
    }
    for (std::size_t inner = 0; inner < 2; ++inner) {
        co_await weft::fork_join(matmul_weft(product.quadrant(0, 0, inner)), matmul_weft(product.quadrant(0, 1, inner)),
                                 matmul_weft(product.quadrant(1, 0, inner)),
                                 matmul_weft(product.quadrant(1, 1, inner)));
    }
}

class Matmul final : public Problem {
public:
    explicit Matmul(bool quick)
        : size_(quick ? kQuickSize : kSize), a_(numbers(1)), b_(numbers(2)), c_(size_ * size_, 0.0) {}

    [[nodiscard]] std::string_view name() const override { return "matmul"; }
    [[nodiscard]] std::string_view item() const override { return "multiply-add"; }
    [[nodiscard]] double items() const override {
        const auto size = static_cast<double>(size_);
        return size * size * size;
    }

    void reset() override { c_.assign(size_ * size_, 0.0); }
    void run_sequential() override { matmul_sequential(whole()); }
    void run_onetbb() override { matmul_onetbb(whole()); }
    weft::Coro<> run_weft() override { co_await matmul_weft(whole()); }

    [[nodiscard]] std::uint64_t answer() const override {
        std::uint64_t sum = 0;
        for (std::size_t i = 0; i < size_; ++i) {
            for (std::size_t j = 0; j < size_; ++j) sum += weight(i) * whole_number(c_[i * size_ + j]) * weight(j);
        }
        return sum;
    }

    [[nodiscard]] std::uint64_t expected() const override {
        std::uint64_t sum = 0;
        for (std::size_t k = 0; k < size_; ++k) {
            std::uint64_t column_of_a = 0;
            std::uint64_t row_of_b = 0;
            for (std::size_t i = 0; i < size_; ++i) {
                column_of_a += weight(i) * whole_number(a_[i * size_ + k]);
                row_of_b += weight(i) * whole_number(b_[k * size_ + i]);
            }
            sum += column_of_a * row_of_b;
        }
        return sum;
    }

private:
    static constexpr std::size_t kSize = 1024;
    static constexpr std::size_t kQuickSize = 512;

    static std::uint64_t weight(std::size_t i) { return 2 * i + 1; }
    static std::uint64_t whole_number(double x) { return static_cast<std::uint64_t>(static_cast<std::int64_t>(x)); }

    [[nodiscard]] Product whole() { return Product{c_.data(), a_.data(), b_.data(), size_, size_}; }

    // Reproducible entries from -8 to 7, the top bits of a linear congruential sequence.
    [[nodiscard]] std::vector<double> numbers(std::uint64_t seed) const {
        std::vector<double> entries(size_ * size_);
        for (double& entry : entries) {
            seed = seed * 6364136223846793005U + 1442695040888963407U;
            entry = static_cast<double>(seed >> 60) - 8.0;
        }
        return entries;
    }

    std::size_t size_;
    std::vector<double> a_;
    std::vector<double> b_;
    std::vector<double> c_;
};

}  // namespace bench
