package main

import "sync"

const children = 1000

func gather() []int {
	results := make([]int, children)
	var running sync.WaitGroup
	running.Add(children)
	for i := range results {
		go func(i int) {
			results[i] = i
			running.Done()
		}(i)
	}
	running.Wait()
	return results
}

func main() {
	passes := NewPasses()
	for passes.Again() {
		var sum int
		for i := 0; i < passes.Size; i++ {
			for _, result := range gather() {
				sum += result
			}
		}
		passes.End(uint64(sum))
	}
	passes.Report()
}
