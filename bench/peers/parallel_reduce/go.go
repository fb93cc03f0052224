// Go has no parallel reduction: the range is divided into four chunks per P, each a goroutine.
package main

import (
	"runtime"
	"sync"
)

func sumOfSquares(x []uint64) uint64 {
	var sum uint64
	for _, value := range x {
		sum += value * value
	}
	return sum
}

func parallelReduce(x []uint64, reduce func([]uint64) uint64) uint64 {
	parts := make([]uint64, 4*runtime.GOMAXPROCS(0))
	var running sync.WaitGroup
	running.Add(len(parts))
	for i := range parts {
		go func(i int) {
			parts[i] = reduce(x[len(x)*i/len(parts) : len(x)*(i+1)/len(parts)])
			running.Done()
		}(i)
	}
	running.Wait()

	var sum uint64
	for _, part := range parts {
		sum += part
	}
	return sum
}

func main() {
	passes := NewPasses()
	x := make([]uint64, passes.Size)
	for i := range x {
		x[i] = uint64(i)
	}
	for passes.Again() {
		passes.End(parallelReduce(x, sumOfSquares))
	}
	passes.Report()
}
