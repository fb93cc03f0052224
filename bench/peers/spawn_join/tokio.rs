#[path = "../passes.rs"]
mod passes;
#[path = "../runtime.rs"]
mod runtime;

use passes::Passes;
use tokio::runtime::Builder;

async fn measure(mut passes: Passes) -> Passes {
    while passes.again() {
        let mut tasks = Vec::with_capacity(passes.size);
        for i in 0..passes.size as u64 {
            tasks.push(tokio::spawn(async move { i }));
        }
        let mut sum = 0;
        for task in tasks {
            sum += task.await.unwrap();
        }
        passes.end(sum);
    }
    passes
}

fn main() {
    runtime::run(Builder::new_current_thread, measure);
}
