package main

func pong(pings <-chan uint64, pongs chan<- uint64) {
	for number := range pings {
		pongs <- number + 1
	}
}

func main() {
	passes := NewPasses()
	pings, pongs := make(chan uint64), make(chan uint64)
	go pong(pings, pongs)
	for passes.Again() {
		var number uint64
		for i := 0; i < passes.Size; i++ {
			pings <- number
			number = <-pongs
		}
		passes.End(number)
	}
	passes.Report()
}
