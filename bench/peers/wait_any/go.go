package main

const children = 100

// Returns whether the lucky child came first and all others after it.
func round(lucky int) bool {
	results := make(chan int, children)
	released := make(chan struct{})
	for i := 0; i < children; i++ {
		go func(i int) {
			if i != lucky {
				<-released
			}
			results <- i
		}(i)
	}
	first := <-results
	close(released)
	for i := 1; i < children; i++ {
		<-results
	}
	return first == lucky
}

func main() {
	passes := NewPasses()
	for passes.Again() {
		var rounds uint64
		for i := 0; i < passes.Size; i++ {
			if round(i % children) {
				rounds++
			}
		}
		passes.End(rounds)
	}
	passes.Report()
}
