// A goroutine has no handle to be kept: all are joined with a WaitGroup.
package main

import (
	"sync"
	"sync/atomic"
	"time"
)

func main() {
	passes := NewPasses()
	passes.CPU = true
	size := passes.Size
	before := ResidentBytes()
	passes.Start()
	var asleep, running sync.WaitGroup
	var woken atomic.Uint64
	asleep.Add(size)
	running.Add(size)
	for i := 0; i < size; i++ {
		go func(duration time.Duration) {
			asleep.Done()
			begin := time.Now()
			time.Sleep(duration)
			if time.Since(begin) >= duration {
				woken.Add(1)
			}
			running.Done()
		}(time.Second + time.Duration(i*7919%100)*time.Millisecond)
	}
	asleep.Wait()
	bytes := ResidentBytes() - before
	tooLate := woken.Load() != 0
	running.Wait()
	used := passes.now() - passes.begin

	passes.EndAfter(used, woken.Load())
	if len(passes.ns) == 0 { // it was short enough to be taken for the warm-up
		passes.EndAfter(used, woken.Load())
	}
	if !tooLate { // else memory was read when some had ended and others used what they had left
		passes.Also("bytes", bytes/float64(size))
	}
	passes.Report()
}
