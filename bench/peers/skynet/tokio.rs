#[path = "../passes.rs"]
mod passes;
#[path = "../runtime.rs"]
mod runtime;

use passes::Passes;
use std::future::Future;
use std::pin::Pin;
use tokio::runtime::Builder;
use tokio::task::JoinHandle;

// The last child is run by the node itself.
async fn skynet(first: u64, leaves: u64) -> u64 {
    if leaves == 1 {
        return first;
    }
    let share = leaves / 10;
    let children: Vec<_> = (0..9).map(|i| spawn(first + i * share, share)).collect();
    let mut sum = call(first + 9 * share, share).await;
    for child in children {
        sum += child.await.unwrap();
    }
    sum
}

fn spawn(first: u64, leaves: u64) -> JoinHandle<u64> {
    tokio::spawn(skynet(first, leaves))
}

fn call(first: u64, leaves: u64) -> Pin<Box<dyn Future<Output = u64> + Send>> {
    Box::pin(skynet(first, leaves))
}

async fn measure(mut passes: Passes) -> Passes {
    while passes.again() {
        let answer = call(0, passes.size as u64).await;
        passes.end(answer);
    }
    passes
}

fn main() {
    runtime::run(Builder::new_multi_thread, measure);
}
