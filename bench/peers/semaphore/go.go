package main

import (
	"fmt"
	"os"
	"runtime"
	"sync"
	"sync/atomic"
)

const (
	tasks   = 8
	permits = 2
)

type semaphore chan struct{}

func (s semaphore) acquire() { s <- struct{}{} }
func (s semaphore) release() { <-s }

func uncontended(s semaphore, times int) uint64 {
	var count uint64
	for i := 0; i < times; i++ {
		s.acquire()
		count++
		s.release()
	}
	return count
}

type room struct {
	semaphore
	inside atomic.Int64
}

func (r *room) enter() {
	if r.inside.Add(1) > permits {
		fmt.Fprintln(os.Stderr, "more are inside than there are permits")
		os.Exit(1)
	}
}

func (r *room) contended(times int) uint64 {
	var count uint64
	for i := 0; i < times; i++ {
		r.acquire()
		r.enter()
		runtime.Gosched()
		r.inside.Add(-1)
		count++
		r.release()
	}
	return count
}

func allContended(r *room, times int) uint64 {
	counts := make(chan uint64, tasks)
	var running sync.WaitGroup
	running.Add(tasks)
	for i := 0; i < tasks; i++ {
		go func() {
			counts <- r.contended(times)
			running.Done()
		}()
	}
	running.Wait()
	close(counts)

	var count uint64
	for each := range counts {
		count += each
	}
	return count
}

func main() {
	passes := NewPasses()
	for passes.Again() {
		r := &room{semaphore: make(semaphore, permits)}
		if passes.Variant == "contended" {
			passes.End(allContended(r, passes.Size/tasks))
		} else {
			passes.End(uncontended(r.semaphore, passes.Size))
		}
	}
	passes.Report()
}
