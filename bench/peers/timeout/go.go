package main

import (
	"runtime"
	"time"
)

func main() {
	passes := NewPasses()
	for passes.Again() {
		var inTime uint64
		for i := 0; i < passes.Size; i++ {
			timer := time.AfterFunc(time.Hour, func() { panic("an hour has passed") })
			runtime.Gosched()
			if timer.Stop() {
				inTime++
			}
		}
		passes.End(inTime)
	}
	passes.Report()
}
