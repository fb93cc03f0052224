#[path = "../passes.rs"]
mod passes;

use passes::Passes;
use rayon::ThreadPoolBuilder;

// Hoare's, around the middle element: the size of the left part.
fn partition(numbers: &mut [u64]) -> usize {
    let pivot = numbers[(numbers.len() - 1) / 2];
    let mut left = 0;
    let mut right = numbers.len() - 1;
    loop {
        // SAFETY: the pivot stops both scans, later what has been swapped does.
        unsafe {
            while *numbers.get_unchecked(left) < pivot {
                left += 1;
            }
            while *numbers.get_unchecked(right) > pivot {
                right -= 1;
            }
        }
        if left >= right {
            return right + 1;
        }
        numbers.swap(left, right);
        left += 1;
        right -= 1;
    }
}

fn quicksort(numbers: &mut [u64]) {
    if numbers.len() < 512 {
        return numbers.sort_unstable();
    }
    let middle = partition(numbers);
    let (left, right) = numbers.split_at_mut(middle);
    rayon::join(|| quicksort(left), || quicksort(right));
}

fn fill(numbers: &mut [u64]) {
    let mut x = 88172645463325252_u64;
    for number in numbers {
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
        *number = x;
    }
}

fn sum(numbers: &[u64]) -> u64 {
    numbers
        .iter()
        .fold(0, |sum, &number| sum.wrapping_add(number))
}

fn measure(mut passes: Passes) -> Passes {
    let mut numbers = vec![0; passes.size];
    while passes.again() {
        fill(&mut numbers);
        let before = sum(&numbers);
        passes.start();
        quicksort(&mut numbers);
        passes.stop();
        let ascends = numbers.windows(2).all(|pair| pair[0] <= pair[1]);
        passes.give(u64::from(ascends && sum(&numbers) == before));
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
