#[path = "../passes.rs"]
mod passes;
#[path = "../runtime.rs"]
mod runtime;

use passes::{resident_bytes, Passes};
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::runtime::Builder;
use tokio::sync::oneshot;
use tokio::task::yield_now;

async fn measure(mut passes: Passes) -> Passes {
    static WAITING: AtomicUsize = AtomicUsize::new(0);
    let mut first = true;
    while passes.again() {
        let before = resident_bytes();
        WAITING.store(0, Ordering::Relaxed);
        let mut senders = Vec::with_capacity(passes.size);
        let mut tasks = Vec::with_capacity(passes.size);
        for _ in 0..passes.size {
            let (sender, released) = oneshot::channel::<()>();
            senders.push(sender);
            tasks.push(tokio::spawn(async move {
                WAITING.fetch_add(1, Ordering::Relaxed);
                released.await.is_ok()
            }));
        }
        while WAITING.load(Ordering::Relaxed) != passes.size {
            yield_now().await;
        }
        if std::mem::take(&mut first) {
            passes.also("bytes", (resident_bytes() - before) / passes.size as f64);
        }
        for sender in senders {
            sender.send(()).unwrap();
        }
        let mut back = 0;
        for task in tasks {
            back += u64::from(task.await.unwrap());
        }
        passes.end(back);
    }
    passes
}

fn main() {
    runtime::run(Builder::new_current_thread, measure);
}
