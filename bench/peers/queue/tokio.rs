#[path = "../passes.rs"]
mod passes;
#[path = "../runtime.rs"]
mod runtime;

use passes::Passes;
use std::sync::Arc;
use tokio::runtime::Builder;
use tokio::sync::{mpsc, Mutex};

const ROOM: usize = 128;

async fn produce(queue: mpsc::Sender<u64>, begin: u64, end: u64) {
    for number in begin..end {
        queue.send(number).await.unwrap();
    }
}

async fn consume(mut queue: mpsc::Receiver<u64>, count: u64) -> u64 {
    let mut sum = 0;
    for _ in 0..count {
        sum += queue.recv().await.unwrap();
    }
    sum
}

async fn consume_shared(queue: Arc<Mutex<mpsc::Receiver<u64>>>, count: u64) -> u64 {
    let mut sum = 0;
    for _ in 0..count {
        sum += queue.lock().await.recv().await.unwrap();
    }
    sum
}

async fn measure(mut passes: Passes) -> Passes {
    let size = passes.size as u64;
    let producers = if passes.variant == "one_one" { 1 } else { 8 };
    while passes.again() {
        let (sender, receiver) = mpsc::channel(ROOM);
        let share = size / producers;
        let producing: Vec<_> = (0..producers)
            .map(|i| tokio::spawn(produce(sender.clone(), i * share, (i + 1) * share)))
            .collect();
        let consuming = if passes.variant == "n_n" {
            let shared = Arc::new(Mutex::new(receiver));
            (0..8)
                .map(|_| tokio::spawn(consume_shared(shared.clone(), size / 8)))
                .collect()
        } else {
            vec![tokio::spawn(consume(receiver, size))]
        };
        for task in producing {
            task.await.unwrap();
        }
        let mut sum = 0;
        for task in consuming {
            sum += task.await.unwrap();
        }
        passes.end(sum);
    }
    passes
}

fn main() {
    runtime::run(Builder::new_current_thread, measure);
}
