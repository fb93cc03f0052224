#[path = "../passes.rs"]
mod passes;

use passes::Passes;
use rayon::prelude::*;
use rayon::ThreadPoolBuilder;

fn measure(mut passes: Passes) -> Passes {
    let x: Vec<u64> = (0..passes.size as u64).collect();
    while passes.again() {
        let sum = x
            .par_iter()
            .map(|x| x.wrapping_mul(*x))
            .reduce(|| 0, u64::wrapping_add);
        passes.end(sum);
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
