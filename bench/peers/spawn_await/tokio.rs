#[path = "../passes.rs"]
mod passes;
#[path = "../runtime.rs"]
mod runtime;

use passes::Passes;
use tokio::runtime::Builder;

async fn measure(mut passes: Passes) -> Passes {
    while passes.again() {
        let mut sum = 0;
        for i in 0..passes.size as u64 {
            sum += tokio::spawn(async move { i }).await.unwrap();
        }
        passes.end(sum);
    }
    passes
}

fn main() {
    runtime::run(Builder::new_multi_thread, measure);
}
