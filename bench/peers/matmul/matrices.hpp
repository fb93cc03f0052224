// The matrices of matmul, how they are halved, and the kernel for a block.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace bench {

inline constexpr std::size_t kBlock = 64;

// A square part of three matrices that share one row stride: C += A * B.
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

[[gnu::noinline]] inline void multiply_block(Product product) {
    for (std::size_t i = 0; i < product.size; ++i) {
        double* __restrict c = product.c + i * product.stride;
        for (std::size_t k = 0; k < product.size; ++k) {
            const double a = product.a[i * product.stride + k];
            const double* __restrict b = product.b + k * product.stride;
            for (std::size_t j = 0; j < product.size; ++j) c[j] += a * b[j];
        }
    }
}

class Matrices {
public:
    explicit Matrices(std::size_t size) : size_(size), a_(numbers(1)), b_(numbers(2)), c_(size * size, 0.0) {}

    void clear() { c_.assign(size_ * size_, 0.0); }
    [[nodiscard]] Product whole() { return Product{c_.data(), a_.data(), b_.data(), size_, size_}; }

    // Compares u' * C * v with (u' * A) * (B * v). The weights are odd, so a single wrong cell always shows.
    [[nodiscard]] bool check() const {
        std::uint64_t found = 0;
        std::uint64_t expected = 0;
        for (std::size_t i = 0; i < size_; ++i) {
            std::uint64_t column_of_a = 0;
            std::uint64_t row_of_b = 0;
            std::uint64_t row_of_c = 0;
            for (std::size_t j = 0; j < size_; ++j) {
                column_of_a += weight(j) * whole_number(a_[j * size_ + i]);
                row_of_b += weight(j) * whole_number(b_[i * size_ + j]);
                row_of_c += weight(j) * whole_number(c_[i * size_ + j]);
            }
            found += weight(i) * row_of_c;
            expected += column_of_a * row_of_b;
        }
        return found == expected;
    }

private:
    static std::uint64_t weight(std::size_t i) { return 2 * i + 1; }
    static std::uint64_t whole_number(double x) { return static_cast<std::uint64_t>(static_cast<std::int64_t>(x)); }

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
