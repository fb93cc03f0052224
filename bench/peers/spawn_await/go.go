// A goroutine has no handle: its own channel, which brings the result, is what comes closest.
package main

func spawn(i uint64) <-chan uint64 {
	result := make(chan uint64, 1)
	go func() { result <- i }()
	return result
}

func main() {
	passes := NewPasses()
	for passes.Again() {
		var sum uint64
		for i := 0; i < passes.Size; i++ {
			sum += <-spawn(uint64(i))
		}
		passes.End(sum)
	}
	passes.Report()
}
