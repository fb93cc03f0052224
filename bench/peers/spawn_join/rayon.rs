#[path = "../passes.rs"]
mod passes;

use passes::Passes;
use rayon::ThreadPoolBuilder;

fn measure(mut passes: Passes) -> Passes {
    while passes.again() {
        let mut results = vec![0; passes.size];
        rayon::scope(|scope| {
            for (i, result) in results.iter_mut().enumerate() {
                scope.spawn(move |_| *result = i as u64);
            }
        });
        passes.end(results.iter().sum());
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
