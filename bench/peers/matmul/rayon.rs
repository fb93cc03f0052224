#[path = "../passes.rs"]
mod passes;

use passes::Passes;
use rayon::ThreadPoolBuilder;
use std::slice::{from_raw_parts, from_raw_parts_mut};

const BLOCK: usize = 64;

// A square part of three matrices that share one row stride.
#[derive(Clone, Copy)]
struct Product {
    c: *mut f64,
    a: *const f64,
    b: *const f64,
    size: usize,
    stride: usize,
}

// The branches at the same time add to different quadrants of C.
unsafe impl Send for Product {}
unsafe impl Sync for Product {}

impl Product {
    // The product of two quadrants (row, inner) of A and (inner, column) of B, which adds to (row, column) of C.
    fn quadrant(self, row: usize, column: usize, inner: usize) -> Product {
        let half = self.size / 2;
        unsafe {
            Product {
                c: self.c.add((row * self.stride + column) * half),
                a: self.a.add((row * self.stride + inner) * half),
                b: self.b.add((inner * self.stride + column) * half),
                size: half,
                stride: self.stride,
            }
        }
    }
}

#[inline(never)]
fn block(product: Product) {
    let Product {
        c,
        a,
        b,
        size,
        stride,
    } = product;
    for i in 0..size {
        let c = unsafe { from_raw_parts_mut(c.add(i * stride), size) };
        let a = unsafe { from_raw_parts(a.add(i * stride), size) };
        for (k, a) in a.iter().enumerate() {
            let b = unsafe { from_raw_parts(b.add(k * stride), size) };
            for (c, b) in c.iter_mut().zip(b) {
                *c += a * b;
            }
        }
    }
}

fn matmul(product: Product) {
    if product.size <= BLOCK {
        return block(product);
    }
    for inner in 0..2 {
        let quadrant = |row, column| matmul(product.quadrant(row, column, inner));
        rayon::join(
            || rayon::join(|| quadrant(0, 0), || quadrant(0, 1)),
            || rayon::join(|| quadrant(1, 0), || quadrant(1, 1)),
        );
    }
}

fn numbers(size: usize, mut seed: u64) -> Vec<f64> {
    let mut next = || {
        seed = seed
            .wrapping_mul(6364136223846793005)
            .wrapping_add(1442695040888963407);
        (seed >> 60) as f64 - 8.0
    };
    (0..size * size).map(|_| next()).collect()
}

fn weight(i: usize) -> i64 {
    2 * i as i64 + 1
}

fn weighed<'a>(numbers: impl Iterator<Item = &'a f64>) -> i64 {
    numbers.enumerate().fold(0, |sum: i64, (i, &x)| {
        sum.wrapping_add(weight(i).wrapping_mul(x as i64))
    })
}

// Whether u' * C * v = (u' * A) * (B * v) modulo 2^64.
fn is_right(a: &[f64], b: &[f64], c: &[f64], size: usize) -> bool {
    let sum = |terms: &mut dyn Iterator<Item = i64>| terms.fold(0, i64::wrapping_add);
    let row = |matrix: &[f64], i| weighed(matrix[i * size..(i + 1) * size].iter());
    let column = |matrix: &[f64], j| weighed(matrix[j..].iter().step_by(size));
    let left = sum(&mut (0..size).map(|i| weight(i).wrapping_mul(row(c, i))));
    let right = sum(&mut (0..size).map(|k| column(a, k).wrapping_mul(row(b, k))));
    left == right
}

fn measure(mut passes: Passes) -> Passes {
    let size = passes.size;
    let a = numbers(size, 1);
    let b = numbers(size, 2);
    let mut c = vec![0.0; size * size];
    while passes.again() {
        c.fill(0.0);
        passes.start();
        matmul(Product {
            c: c.as_mut_ptr(),
            a: a.as_ptr(),
            b: b.as_ptr(),
            size,
            stride: size,
        });
        passes.stop();
        passes.give(u64::from(is_right(&a, &b, &c, size)));
    }
    passes
}

fn main() {
    let passes = Passes::new();
    let pool = ThreadPoolBuilder::new()
        .num_threads(passes.loops)
        .build()
        .unwrap();
    pool.install(|| measure(passes)).report();
}
