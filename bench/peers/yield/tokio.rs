#[path = "../passes.rs"]
mod passes;
#[path = "../runtime.rs"]
mod runtime;

use passes::Passes;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::Arc;
use tokio::runtime::Builder;

const TASKS: usize = 100;

// Its own cache line: the tasks may run on any worker.
#[derive(Default)]
#[repr(align(64))]
struct Count(AtomicU64);

async fn work(own: usize, times: u64, all: Arc<Vec<Count>>, ended: Arc<AtomicBool>) -> u64 {
    for i in 1..=times {
        tokio::task::yield_now().await;
        all[own].0.store(i, Ordering::Relaxed);
    }
    if !ended.swap(true, Ordering::Relaxed) {
        let behind = |count: &Count| count.0.load(Ordering::Relaxed) < times / 2;
        if all.iter().any(behind) {
            eprintln!(
                "unfair: a task has made less than half of its yields when the first has ended"
            );
            std::process::exit(3);
        }
    }
    times
}

async fn measure(mut passes: Passes) -> Passes {
    while passes.again() {
        let all: Arc<Vec<Count>> = Arc::new((0..TASKS).map(|_| Count::default()).collect());
        let ended = Arc::new(AtomicBool::new(false));
        let tasks: Vec<_> = (0..TASKS)
            .map(|i| tokio::spawn(work(i, passes.size as u64, all.clone(), ended.clone())))
            .collect();
        let mut yields = 0;
        for task in tasks {
            yields += task.await.unwrap();
        }
        passes.end(yields);
    }
    passes
}

fn main() {
    runtime::run(Builder::new_current_thread, measure);
}
