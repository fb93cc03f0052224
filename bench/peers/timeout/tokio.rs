#[path = "../passes.rs"]
mod passes;
#[path = "../runtime.rs"]
mod runtime;

use passes::Passes;
use std::time::Duration;
use tokio::runtime::Builder;
use tokio::task::yield_now;
use tokio::time::timeout;

const HOUR: Duration = Duration::from_secs(3600);

async fn measure(mut passes: Passes) -> Passes {
    while passes.again() {
        let mut in_time = 0;
        for _ in 0..passes.size {
            in_time += u64::from(timeout(HOUR, yield_now()).await.is_ok());
        }
        passes.end(in_time);
    }
    passes
}

fn main() {
    runtime::run(Builder::new_current_thread, measure);
}
