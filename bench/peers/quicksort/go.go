package main

import (
	"sort"
	"sync"
	"time"
)

const sequential = 512

// Hoare's partition around the middle element: returns where the right side begins.
func partition(numbers []uint64) int {
	pivot := numbers[(len(numbers)-1)/2]
	i, j := 0, len(numbers)-1
	for {
		for numbers[i] < pivot {
			i++
		}
		for numbers[j] > pivot {
			j--
		}
		if i >= j {
			return j + 1
		}
		numbers[i], numbers[j] = numbers[j], numbers[i]
		i++
		j--
	}
}

// Nothing is left to do after a join, so that one WaitGroup serves all goroutines.
func quicksort(numbers []uint64, sorting *sync.WaitGroup) {
	for len(numbers) >= sequential {
		right := partition(numbers)
		sorting.Add(1)
		go quicksort(numbers[right:], sorting)
		numbers = numbers[:right]
	}
	sort.Slice(numbers, func(i, j int) bool { return numbers[i] < numbers[j] })
	sorting.Done()
}

// Fills with xorshift64, returns the sum.
func fill(numbers []uint64) uint64 {
	x, sum := uint64(88172645463325252), uint64(0)
	for i := range numbers {
		x ^= x << 13
		x ^= x >> 7
		x ^= x << 17
		numbers[i] = x
		sum += x
	}
	return sum
}

func right(numbers []uint64, sum uint64) uint64 {
	last := uint64(0)
	for _, number := range numbers {
		if number < last {
			return 0
		}
		last = number
		sum -= number
	}
	if sum != 0 {
		return 0
	}
	return 1
}

func main() {
	passes := NewPasses()
	numbers := make([]uint64, passes.Size)
	for passes.Again() {
		sum := fill(numbers)
		begin := time.Now()
		var sorting sync.WaitGroup
		sorting.Add(1)
		quicksort(numbers, &sorting)
		sorting.Wait()
		took := time.Since(begin)
		passes.EndAfter(float64(took.Nanoseconds()), right(numbers, sum))
	}
	passes.Report()
}
