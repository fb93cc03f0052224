package main

import "sync"

const children = 100

// Returns whether exactly one child came back with a result.
func round(lucky int, never <-chan int) bool {
	results := make(chan int, children)
	cancelled := make(chan struct{})
	var running sync.WaitGroup
	running.Add(children)
	for i := 0; i < children; i++ {
		go func(i int) {
			defer running.Done()
			if i == lucky {
				results <- i
				return
			}
			select {
			case result := <-never:
				results <- result
			case <-cancelled:
			}
		}(i)
	}
	first := <-results
	close(cancelled)
	running.Wait()
	return first == lucky && len(results) == 0
}

func main() {
	passes := NewPasses()
	never := make(chan int)
	for passes.Again() {
		var rounds uint64
		for i := 0; i < passes.Size; i++ {
			if round(i%children, never) {
				rounds++
			}
		}
		passes.End(rounds)
	}
	passes.Report()
}
