#[path = "../passes.rs"]
mod passes;
#[path = "../runtime.rs"]
mod runtime;

use passes::Passes;
use std::sync::Arc;
use tokio::runtime::Builder;
use tokio::sync::Mutex;

const TASKS: usize = 8;

async fn uncontended(counter: &Mutex<u64>, times: usize) {
    for _ in 0..times {
        *counter.lock().await += 1;
    }
}

async fn contended(counter: Arc<Mutex<u64>>, times: usize) {
    for _ in 0..times {
        let mut held = counter.lock().await;
        let count = *held;
        tokio::task::yield_now().await;
        *held = count + 1;
    }
}

async fn measure(mut passes: Passes) -> Passes {
    while passes.again() {
        let counter = Arc::new(Mutex::new(0));
        if passes.variant == "contended" {
            let tasks: Vec<_> = (0..TASKS)
                .map(|_| tokio::spawn(contended(counter.clone(), passes.size / TASKS)))
                .collect();
            for task in tasks {
                task.await.unwrap();
            }
        } else {
            uncontended(&counter, passes.size).await;
        }
        let count = *counter.lock().await;
        passes.end(count);
    }
    passes
}

fn main() {
    runtime::run(Builder::new_current_thread, measure);
}
