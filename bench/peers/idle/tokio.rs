#[path = "../passes.rs"]
mod passes;
#[path = "../runtime.rs"]
mod runtime;

use passes::Passes;
use std::fs;
use std::time::{Duration, Instant};
use tokio::runtime::Builder;
use tokio::sync::oneshot;

fn cpu_ns(who: libc::c_int) -> f64 {
    let mut usage = unsafe { std::mem::zeroed::<libc::rusage>() };
    unsafe { libc::getrusage(who, &mut usage) };
    let ns = |time: libc::timeval| time.tv_sec as f64 * 1e9 + time.tv_usec as f64 * 1e3;
    ns(usage.ru_utime) + ns(usage.ru_stime)
}

// The context switches and the processor time of all threads but the calling one.
fn other_threads() -> (f64, f64) {
    let own = unsafe { libc::syscall(libc::SYS_gettid) }.to_string();
    let mut switches = 0.0;
    for thread in fs::read_dir("/proc/self/task").unwrap().flatten() {
        if thread.file_name().to_string_lossy() == own {
            continue;
        }
        let status = fs::read_to_string(thread.path().join("status")).unwrap_or_default();
        switches += status
            .lines()
            .filter_map(|line| line.split_once("voluntary_ctxt_switches:"))
            .map(|(_, count)| count.trim().parse::<f64>().unwrap())
            .sum::<f64>();
    }
    (
        switches,
        cpu_ns(libc::RUSAGE_SELF) - cpu_ns(libc::RUSAGE_THREAD),
    )
}

async fn measure(mut passes: Passes) -> Passes {
    let (sender, ended) = oneshot::channel();
    let size = passes.size as u64;
    let watcher = std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(100));
        let begin = Instant::now();
        let before = other_threads();
        std::thread::sleep(Duration::from_millis(size));
        let after = other_threads();
        sender
            .send((begin.elapsed(), after.0 - before.0, after.1 - before.1))
            .unwrap();
    });
    let (took, switches, cpu) = ended.await.unwrap();
    watcher.join().unwrap();
    passes.also("wakeups", switches / took.as_secs_f64());
    passes.also("cpu", cpu.max(0.0) / 1e9 / took.as_secs_f64()); // the clocks are not read at once
    passes.end_once(took.as_nanos() as f64, 1);
    passes
}

fn main() {
    runtime::run(Builder::new_current_thread, measure);
}
