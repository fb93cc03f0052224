#[path = "../passes.rs"]
mod passes;

use passes::Passes;
use rayon::prelude::*;
use rayon::ThreadPoolBuilder;

// with_max_len(1): every child is a branch of its own.
fn skynet(first: usize, leaves: usize) -> usize {
    if leaves == 1 {
        return first;
    }
    let share = leaves / 10;
    (0..10)
        .into_par_iter()
        .with_max_len(1)
        .map(|i: usize| skynet(first + i * share, share))
        .sum()
}

fn measure(mut passes: Passes) -> Passes {
    while passes.again() {
        let answer = skynet(0, passes.size) as u64;
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
