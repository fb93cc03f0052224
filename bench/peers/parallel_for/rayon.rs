#[path = "../passes.rs"]
mod passes;

use passes::Passes;
use rayon::prelude::*;
use rayon::ThreadPoolBuilder;

fn measure(mut passes: Passes) -> Passes {
    let x: Vec<f64> = (0..passes.size).map(|i| i as f64).collect();
    let mut y = vec![0.0; passes.size];
    while passes.again() {
        y.fill(0.0);
        passes.start();
        y.par_iter_mut()
            .zip(&x)
            .for_each(|(y, x)| *y += x.sqrt() * 0.5);
        passes.stop();
        passes.give(u64::from(
            y.iter().zip(&x).all(|(y, x)| *y == x.sqrt() * 0.5),
        ));
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
