#[path = "../passes.rs"]
mod passes;
#[path = "../runtime.rs"]
mod runtime;

use passes::Passes;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::Arc;
use tokio::runtime::Builder;
use tokio::sync::Semaphore;

const TASKS: usize = 8;
const PERMITS: usize = 2;

struct Room {
    semaphore: Semaphore,
    inside: AtomicUsize,
}

impl Room {
    fn enter(&self) {
        if self.inside.fetch_add(1, Ordering::Relaxed) >= PERMITS {
            eprintln!("more are inside than there are permits");
            std::process::exit(1);
        }
    }
}

async fn uncontended(semaphore: &Semaphore, times: usize) -> u64 {
    let mut count = 0;
    for _ in 0..times {
        let _held = semaphore.acquire().await.unwrap();
        count += 1;
    }
    count
}

async fn contended(room: Arc<Room>, times: usize) -> u64 {
    let mut count = 0;
    for _ in 0..times {
        let _held = room.semaphore.acquire().await.unwrap();
        room.enter();
        tokio::task::yield_now().await;
        room.inside.fetch_sub(1, Ordering::Relaxed);
        count += 1;
    }
    count
}

async fn measure(mut passes: Passes) -> Passes {
    while passes.again() {
        let room = Arc::new(Room {
            semaphore: Semaphore::new(PERMITS),
            inside: AtomicUsize::new(0),
        });
        let mut count = 0;
        if passes.variant == "contended" {
            let tasks: Vec<_> = (0..TASKS)
                .map(|_| tokio::spawn(contended(room.clone(), passes.size / TASKS)))
                .collect();
            for task in tasks {
                count += task.await.unwrap();
            }
        } else {
            count = uncontended(&room.semaphore, passes.size).await;
        }
        passes.end(count);
    }
    passes
}

fn main() {
    runtime::run(Builder::new_current_thread, measure);
}
