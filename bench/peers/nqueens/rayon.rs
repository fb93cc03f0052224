#[path = "../passes.rs"]
mod passes;

use passes::Passes;
use rayon::prelude::*;
use rayon::ThreadPoolBuilder;

// The column of the queen in each row so far.
type Board = [i8; 16];

fn is_safe(board: &Board, row: usize, column: i8) -> bool {
    board[..row].iter().enumerate().all(|(above, &other)| {
        let distance = i32::from(other - column).unsigned_abs() as usize;
        distance != 0 && distance != row - above
    })
}

// with_max_len(1): every safe column is a branch of its own.
fn nqueens(board: Board, row: usize, size: usize) -> u64 {
    if row == size {
        return 1;
    }
    let mut safe = [0; 16];
    let mut count = 0;
    for column in 0..size as i8 {
        if is_safe(&board, row, column) {
            safe[count] = column;
            count += 1;
        }
    }
    let place = |&column: &i8| {
        let mut next = board;
        next[row] = column;
        nqueens(next, row + 1, size)
    };
    safe[..count].par_iter().with_max_len(1).map(place).sum()
}

fn measure(mut passes: Passes) -> Passes {
    while passes.again() {
        let answer = nqueens([0; 16], 0, passes.size);
        passes.end(answer);
    }
    passes
}

fn main() {
    let passes = Passes::new();
    let pool = ThreadPoolBuilder::new()
        .num_threads(passes.loops)
        .build()
        .unwrap();
    pool.install(|| measure(passes)).report();
}
