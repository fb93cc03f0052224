// How a tokio program of bench/peers/ is run: on the runtime that #[tokio::main] builds, measure() being a task of it.
// With one loop that is the runtime of `one_loop`, which is to be the faster for the problem, with more multi_thread.
use crate::passes::Passes;
use std::future::Future;
use tokio::runtime::Builder;

pub fn run<F: Future<Output = Passes> + Send + 'static>(
    one_loop: fn() -> Builder,
    measure: fn(Passes) -> F,
) {
    let passes = Passes::new();
    let mut builder = match passes.loops {
        1 => one_loop(),
        _ => Builder::new_multi_thread(),
    };
    let runtime = builder
        .worker_threads(passes.loops)
        .enable_all()
        .build()
        .unwrap();
    let task = runtime.spawn(measure(passes));
    runtime.block_on(task).unwrap().report();
}
