// Each goroutine waits for its own channel; a WaitGroup is the cheapest way to join them.
package main

import (
	"sync"
	"sync/atomic"
)

func main() {
	passes := NewPasses()
	size := passes.Size
	for first := true; passes.Again(); first = false {
		before := ResidentBytes()
		var waiting, running sync.WaitGroup
		var back atomic.Uint64
		waiting.Add(size)
		running.Add(size)
		releases := make([]chan struct{}, size)
		for i := range releases {
			release := make(chan struct{})
			releases[i] = release
			go func() {
				waiting.Done()
				<-release
				back.Add(1)
				running.Done()
			}()
		}
		waiting.Wait()
		if first {
			passes.Also("bytes", (ResidentBytes()-before)/float64(size))
		}
		for _, release := range releases {
			close(release)
		}
		running.Wait()
		passes.End(back.Load())
	}
	passes.Report()
}
