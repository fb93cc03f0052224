package main

import (
	"runtime"
	"sync"
)

const tasks = 8

type counter struct {
	lock  sync.Mutex
	count uint64
}

func (c *counter) uncontended(times int) {
	for i := 0; i < times; i++ {
		c.lock.Lock()
		c.count++
		c.lock.Unlock()
	}
}

func (c *counter) contended(times int) {
	for i := 0; i < times; i++ {
		c.lock.Lock()
		count := c.count
		runtime.Gosched()
		c.count = count + 1
		c.lock.Unlock()
	}
}

func main() {
	passes := NewPasses()
	for passes.Again() {
		c := new(counter)
		if passes.Variant == "contended" {
			var running sync.WaitGroup
			running.Add(tasks)
			for i := 0; i < tasks; i++ {
				go func() {
					c.contended(passes.Size / tasks)
					running.Done()
				}()
			}
			running.Wait()
		} else {
			c.uncontended(passes.Size)
		}
		passes.End(c.count)
	}
	passes.Report()
}
