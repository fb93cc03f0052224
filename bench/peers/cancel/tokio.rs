#[path = "../passes.rs"]
mod passes;
#[path = "../runtime.rs"]
mod runtime;

use passes::Passes;
use tokio::runtime::Builder;
use tokio::task::JoinSet;

async fn measure(mut passes: Passes) -> Passes {
    while passes.again() {
        let mut exactly_one = 0;
        for round in 0..passes.size {
            let mut tasks = JoinSet::new();
            for i in 0..100 {
                tasks.spawn(async move {
                    if i != round % 100 {
                        std::future::pending::<()>().await;
                    }
                });
            }
            let mut results = u64::from(tasks.join_next().await.unwrap().is_ok());
            tasks.abort_all();
            while let Some(result) = tasks.join_next().await {
                results += u64::from(result.is_ok());
            }
            exactly_one += u64::from(results == 1);
        }
        passes.end(exactly_one);
    }
    passes
}

fn main() {
    runtime::run(Builder::new_current_thread, measure);
}
