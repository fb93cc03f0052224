#[path = "../passes.rs"]
mod passes;
#[path = "../runtime.rs"]
mod runtime;

use passes::Passes;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::runtime::Builder;
use tokio::sync::mpsc::{self, UnboundedSender};

// The plain thread: sends the time at which it sends, and waits until that has arrived.
fn send(wakes: u64, pause: Duration, sender: UnboundedSender<Instant>, arrived: Arc<AtomicU64>) {
    for i in 0..wakes {
        let begin = Instant::now();
        while begin.elapsed() < pause {}
        sender.send(Instant::now()).unwrap();
        while arrived.load(Ordering::Acquire) == i {
            std::thread::yield_now();
        }
    }
}

async fn measure(mut passes: Passes) -> Passes {
    let wakes = passes.size as u64;
    let busy = passes.variant == "busy";
    let pause = Duration::from_micros(if busy { 0 } else { 200 });
    if busy {
        tokio::spawn(async {
            loop {
                tokio::task::yield_now().await;
            }
        });
    }
    while passes.again() {
        let (sender, mut receiver) = mpsc::unbounded_channel();
        let arrived = Arc::new(AtomicU64::new(0));
        let thread = std::thread::spawn({
            let arrived = arrived.clone();
            move || send(wakes, pause, sender, arrived)
        });
        let mut sum = Duration::ZERO;
        while let Some(sent) = receiver.recv().await {
            sum += sent.elapsed();
            arrived.fetch_add(1, Ordering::Release);
        }
        thread.join().unwrap();
        passes.end_after(sum.as_nanos() as f64, arrived.load(Ordering::Relaxed));
    }
    passes
}

fn main() {
    runtime::run(Builder::new_multi_thread, measure);
}
