#[path = "../passes.rs"]
mod passes;
#[path = "../runtime.rs"]
mod runtime;

use passes::Passes;
use tokio::runtime::Builder;

async fn measure(mut passes: Passes) -> Passes {
    while passes.again() {
        let mut sum = 0;
        for _ in 0..passes.size {
            let children: Vec<_> = (0..1000_u64)
                .map(|i| tokio::spawn(async move { i }))
                .collect();
            let mut results = Vec::with_capacity(children.len());
            for child in children {
                results.push(child.await.unwrap());
            }
            sum += results.iter().sum::<u64>();
        }
        passes.end(sum);
    }
    passes
}

fn main() {
    runtime::run(Builder::new_current_thread, measure);
}
