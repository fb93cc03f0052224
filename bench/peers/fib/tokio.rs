#[path = "../passes.rs"]
mod passes;
#[path = "../runtime.rs"]
mod runtime;

use passes::Passes;
use std::future::Future;
use std::pin::Pin;
use tokio::runtime::Builder;
use tokio::task::JoinHandle;

async fn fib(n: u64) -> u64 {
    if n < 2 {
        return n;
    }
    let left = spawn(n - 1);
    let right = call(n - 2).await;
    left.await.unwrap() + right
}

fn spawn(n: u64) -> JoinHandle<u64> {
    tokio::spawn(fib(n))
}

fn call(n: u64) -> Pin<Box<dyn Future<Output = u64> + Send>> {
    Box::pin(fib(n))
}

async fn measure(mut passes: Passes) -> Passes {
    while passes.again() {
        let answer = call(passes.size as u64).await;
        passes.end(answer);
    }
    passes
}

fn main() {
    runtime::run(Builder::new_multi_thread, measure);
}
