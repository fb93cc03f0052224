#[path = "../passes.rs"]
mod passes;
#[path = "../runtime.rs"]
mod runtime;

use passes::Passes;
use tokio::runtime::Builder;
use tokio::sync::mpsc;

// Unbounded: cheaper than mpsc::channel(1), and no more than one number is ever in it.
async fn measure(mut passes: Passes) -> Passes {
    let size = passes.size as u64;
    while passes.again() {
        let (to_pong, mut from_ping) = mpsc::unbounded_channel();
        let (to_ping, mut from_pong) = mpsc::unbounded_channel();
        let ping = tokio::spawn(async move {
            let mut number = 0;
            for _ in 0..size {
                to_pong.send(number).unwrap();
                number = from_pong.recv().await.unwrap();
            }
            number
        });
        let pong = tokio::spawn(async move {
            while let Some(number) = from_ping.recv().await {
                to_ping.send(number + 1).unwrap();
            }
        });
        let number = ping.await.unwrap();
        pong.await.unwrap();
        passes.end(number);
    }
    passes
}

fn main() {
    runtime::run(Builder::new_multi_thread, measure);
}
