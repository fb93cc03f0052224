// One of the two calls is a goroutine, and its channel brings the result.
package main

func fib(n int) uint64 {
	if n < 2 {
		return uint64(n)
	}
	other := make(chan uint64, 1)
	go func() { other <- fib(n - 1) }()
	own := fib(n - 2)
	return own + <-other
}

func main() {
	passes := NewPasses()
	for passes.Again() {
		passes.End(fib(passes.Size))
	}
	passes.Report()
}
