// A goroutine has no handle: its own channel, which brings the result, is what comes closest.
package main

func spawn(i uint64) <-chan uint64 {
	result := make(chan uint64, 1)
	go func() { result <- i }()
	return result
}

func spawnJoin(size int) uint64 {
	tasks := make([]<-chan uint64, size)
	for i := range tasks {
		tasks[i] = spawn(uint64(i))
	}
	var sum uint64
	for _, task := range tasks {
		sum += <-task
	}
	return sum
}

func main() {
	passes := NewPasses()
	for passes.Again() {
		passes.End(spawnJoin(passes.Size))
	}
	passes.Report()
}
