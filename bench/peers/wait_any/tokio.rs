#[path = "../passes.rs"]
mod passes;
#[path = "../runtime.rs"]
mod runtime;

use passes::Passes;
use std::sync::Arc;
use tokio::runtime::Builder;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

async fn measure(mut passes: Passes) -> Passes {
    while passes.again() {
        let mut exactly_one = 0;
        for round in 0..passes.size {
            // Closed to release: whoever comes late finds it closed.
            let released = Arc::new(Semaphore::new(0));
            let mut tasks = JoinSet::new();
            for i in 0..100 {
                let released = released.clone();
                tasks.spawn(async move {
                    if i != round % 100 {
                        let _ = released.acquire().await;
                    }
                    i
                });
            }
            let first = tasks.join_next().await.unwrap().unwrap();
            released.close();
            let mut others = 0;
            while let Some(result) = tasks.join_next().await {
                others += u64::from(result.is_ok());
            }
            exactly_one += u64::from(first == round % 100 && others == 99);
        }
        passes.end(exactly_one);
    }
    passes
}

fn main() {
    runtime::run(Builder::new_current_thread, measure);
}
