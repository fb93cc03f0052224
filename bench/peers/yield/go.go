package main

import (
	"fmt"
	"os"
	"runtime"
	"sync"
	"sync/atomic"
)

const tasks = 100

// Counter has a cache line of its own.
type Counter struct {
	atomic.Uint64
	_ [56]byte
}

func yields(size uint64) uint64 {
	var counters [tasks]Counter
	var first sync.Once
	var running sync.WaitGroup
	start := make(chan struct{})
	running.Add(tasks)
	for i := range counters {
		go func(own *Counter) {
			<-start
			for own.Load() < size {
				runtime.Gosched()
				own.Add(1)
			}
			first.Do(func() { demandFair(&counters, size) })
			running.Done()
		}(&counters[i])
	}
	close(start)
	running.Wait()

	var sum uint64
	for i := range counters {
		sum += counters[i].Load()
	}
	return sum
}

func demandFair(counters *[tasks]Counter, size uint64) {
	for i := range counters {
		if count := counters[i].Load(); count < size/2 {
			fmt.Fprintf(os.Stderr, "unfair: a task had yielded %d times when the first had %d\n", count, size)
			os.Exit(3)
		}
	}
}

func main() {
	passes := NewPasses()
	for passes.Again() {
		passes.End(yields(uint64(passes.Size)))
	}
	passes.Report()
}
