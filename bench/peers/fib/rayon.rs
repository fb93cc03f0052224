#[path = "../passes.rs"]
mod passes;

use passes::Passes;
use rayon::ThreadPoolBuilder;

fn fib(n: u64) -> u64 {
    if n < 2 {
        return n;
    }
    let (left, right) = rayon::join(|| fib(n - 1), || fib(n - 2));
    left + right
}

fn measure(mut passes: Passes) -> Passes {
    while passes.again() {
        let answer = fib(passes.size as u64);
        passes.end(answer);
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
