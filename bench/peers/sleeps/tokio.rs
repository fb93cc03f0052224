#[path = "../passes.rs"]
mod passes;
#[path = "../runtime.rs"]
mod runtime;

use passes::{resident_bytes, Passes};
use std::time::Duration;
use tokio::runtime::Builder;
use tokio::time::{sleep_until, Instant};

// Whether it woke in time.
async fn work(delay: Duration) -> bool {
    let due = Instant::now() + delay;
    sleep_until(due).await;
    Instant::now() >= due
}

async fn measure(mut passes: Passes) -> Passes {
    passes.cpu = true;
    let before = resident_bytes();
    passes.start();
    let mut tasks = Vec::with_capacity(passes.size);
    for i in 0..passes.size as u64 {
        tasks.push(tokio::spawn(work(Duration::from_millis(
            1000 + i * 7919 % 100,
        ))));
    }
    passes.also("bytes", (resident_bytes() - before) / passes.size as f64);
    let mut woke = 0;
    for task in tasks {
        woke += u64::from(task.await.unwrap());
    }
    passes.end_only(woke);
    passes
}

fn main() {
    runtime::run(Builder::new_current_thread, measure);
}
