// Go has no parallel loop: the range is divided into four chunks per P, each a goroutine.
package main

import (
	"math"
	"runtime"
	"sync"
	"time"
)

func parallelFor(size int, body func(begin, end int)) {
	chunks := 4 * runtime.GOMAXPROCS(0)
	var running sync.WaitGroup
	running.Add(chunks)
	for i := 0; i < chunks; i++ {
		go func(begin, end int) {
			body(begin, end)
			running.Done()
		}(size*i/chunks, size*(i+1)/chunks)
	}
	running.Wait()
}

func right(y []float64) uint64 {
	for i, value := range y {
		if value != math.Sqrt(float64(i))*0.5 {
			return 0
		}
	}
	return 1
}

func main() {
	passes := NewPasses()
	x, y := make([]float64, passes.Size), make([]float64, passes.Size)
	for passes.Again() {
		for i := range x {
			x[i], y[i] = float64(i), 0
		}
		begin := time.Now()
		parallelFor(len(x), func(begin, end int) {
			x, y := x[begin:end], y[begin:end]
			for i := range y {
				y[i] = math.Sqrt(x[i])*0.5 + y[i]
			}
		})
		took := time.Since(begin)
		passes.EndAfter(float64(took.Nanoseconds()), right(y))
	}
	passes.Report()
}
