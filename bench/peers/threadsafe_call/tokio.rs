#[path = "../passes.rs"]
mod passes;
#[path = "../runtime.rs"]
mod runtime;

use passes::Passes;
use tokio::runtime::{Builder, Handle};

// A thread of spawn_blocking is a plain thread.
async fn measure(mut passes: Passes) -> Passes {
    let call = move || {
        let handle = Handle::current();
        while passes.again() {
            let mut sum = 0;
            for i in 0..passes.size as u64 {
                sum += handle.block_on(handle.spawn(async move { i })).unwrap();
            }
            passes.end(sum);
        }
        passes
    };
    tokio::task::spawn_blocking(call).await.unwrap()
}

fn main() {
    runtime::run(Builder::new_multi_thread, measure);
}
