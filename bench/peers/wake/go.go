// The sender is a goroutine with an OS thread to itself. It needs a P while it runs and is no part of the loops:
// GOMAXPROCS is LOOPS + 1, otherwise it would share the loop's P. After a send it blocks, because what it has made
// ready is in the queue of its own P: if it spun, that would wait there until it is preempted, 10 ms later.
package main

import (
	"runtime"
	"time"
)

const pause = 200 * time.Microsecond

func receive(wakes <-chan time.Time, arrivals chan<- time.Duration) {
	for sent := range wakes {
		latency := time.Since(sent)
		arrivals <- latency
	}
}

func yieldForever() {
	for {
		runtime.Gosched()
	}
}

func main() {
	passes := NewPasses()
	runtime.GOMAXPROCS(runtime.GOMAXPROCS(0) + 1)
	idle := passes.Variant == "idle"
	if !idle {
		go yieldForever()
	}
	wakes, arrivals := make(chan time.Time), make(chan time.Duration)
	go receive(wakes, arrivals)

	runtime.LockOSThread()
	for passes.Again() {
		var sum time.Duration
		var count uint64
		for i := 0; i < passes.Size; i++ {
			for begin := time.Now(); idle && time.Since(begin) < pause; {
			}
			wakes <- time.Now()
			sum += <-arrivals
			count++
		}
		passes.EndAfter(float64(sum.Nanoseconds()), count)
	}
	passes.Report()
}
