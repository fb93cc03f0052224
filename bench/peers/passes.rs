// Passes: how a Rust program of bench/peers/ times itself and what it prints. The rules are those of passes.hpp.
// Used as: #[path = "../passes.rs"] mod passes;
#![allow(dead_code)]

use std::time::Instant;

pub struct Passes {
    pub loops: usize,
    pub size: usize,
    pub variant: String,
    pub cpu: bool, // count the process's processor time
    origin: Instant,
    begin: f64,
    took: f64,
    sum: f64,
    ended: usize,
    answer: u64,
    ns: Vec<f64>,
    extra: String,
}

fn number(text: &str, name: &str) -> usize {
    match text.parse() {
        Ok(value) if value > 0 => value,
        _ => fail(&format!("expected {name}, got '{text}'"), 2),
    }
}

fn fail(text: &str, code: i32) -> ! {
    eprintln!("{text}");
    std::process::exit(code)
}

impl Passes {
    pub fn new() -> Passes {
        let arguments: Vec<String> = std::env::args().collect();
        if arguments.len() != 3 && arguments.len() != 4 {
            fail("expected LOOPS SIZE [VARIANT]", 2);
        }
        Passes {
            loops: number(&arguments[1], "LOOPS"),
            size: number(&arguments[2], "SIZE"),
            variant: arguments.get(3).cloned().unwrap_or_default(),
            cpu: false,
            origin: Instant::now(),
            begin: 0.0,
            took: 0.0,
            sum: 0.0,
            ended: 0,
            answer: 0,
            ns: Vec::new(),
            extra: String::new(),
        }
    }

    fn now(&self) -> f64 {
        if !self.cpu {
            return self.origin.elapsed().as_nanos() as f64;
        }
        let mut usage = unsafe { std::mem::zeroed::<libc::rusage>() };
        unsafe { libc::getrusage(libc::RUSAGE_SELF, &mut usage) };
        let ns = |time: libc::timeval| time.tv_sec as f64 * 1e9 + time.tv_usec as f64 * 1e3;
        ns(usage.ru_utime) + ns(usage.ru_stime)
    }

    pub fn again(&mut self) -> bool {
        if self.sum >= 100e6 || self.ns.len() >= 1000 {
            return false;
        }
        self.start();
        true
    }

    pub fn start(&mut self) {
        self.begin = self.now();
    }

    pub fn end(&mut self, answer: u64) {
        self.stop();
        self.give(answer);
    }

    pub fn stop(&mut self) {
        self.took = self.now() - self.begin;
    }

    pub fn give(&mut self, answer: u64) {
        self.end_after(self.took, answer);
    }

    pub fn end_only(&mut self, answer: u64) {
        self.end_once(self.now() - self.begin, answer);
    }

    pub fn end_once(&mut self, ns: f64, answer: u64) {
        self.ended = 1;
        self.answer = answer;
        self.end_after(ns, answer);
    }

    pub fn end_after(&mut self, ns: f64, answer: u64) {
        if self.ended != 0 && answer != self.answer {
            fail(&format!("two passes gave {} and {answer}", self.answer), 1);
        }
        self.ended += 1;
        self.answer = answer;
        if self.ended == 1 && ns < 1e9 {
            return;
        }
        self.ns.push(ns);
        self.sum += ns;
    }

    pub fn also(&mut self, name: &str, value: f64) {
        self.extra += &format!(", \"{name}\": {value}");
    }

    pub fn report(&self) {
        println!(
            "{{\"ns\": {:?}, \"answer\": {}, \"rss\": {}{}}}",
            self.ns,
            self.answer,
            peak_bytes(),
            self.extra
        );
    }
}

// The most bytes of this process that ever were in memory.
fn peak_bytes() -> usize {
    let text = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = text
        .lines()
        .find(|line| line.starts_with("VmHWM:"))
        .unwrap();
    line.split_whitespace()
        .nth(1)
        .unwrap()
        .parse::<usize>()
        .unwrap()
        * 1024
}

// The bytes of this process that are in memory now.
pub fn resident_bytes() -> f64 {
    let text = std::fs::read_to_string("/proc/self/statm").unwrap();
    text.split(' ').nth(1).unwrap().parse::<f64>().unwrap() * 4096.0
}
