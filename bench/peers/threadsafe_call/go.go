// The caller is a goroutine with an OS thread to itself. It needs a P while it runs and is no part of the loops:
// GOMAXPROCS is LOOPS + 1, otherwise it would share the loop's P.
package main

import "runtime"

func call(i uint64) uint64 {
	result := make(chan uint64, 1)
	go func() { result <- i }()
	return <-result
}

func main() {
	passes := NewPasses()
	runtime.GOMAXPROCS(runtime.GOMAXPROCS(0) + 1)
	runtime.LockOSThread()
	for passes.Again() {
		var sum uint64
		for i := 0; i < passes.Size; i++ {
			sum += call(uint64(i))
		}
		passes.End(sum)
	}
	passes.Report()
}
