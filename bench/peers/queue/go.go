package main

import "sync"

const room = 128

func produce(queue chan<- uint64, begin, end uint64) {
	for number := begin; number < end; number++ {
		queue <- number
	}
}

func consume(queue <-chan uint64, count uint64) uint64 {
	var sum uint64
	for i := uint64(0); i < count; i++ {
		sum += <-queue
	}
	return sum
}

func pass(producers, consumers, size uint64) uint64 {
	queue := make(chan uint64, room)
	sums := make([]uint64, consumers)
	share := size / producers
	var running sync.WaitGroup
	running.Add(int(producers + consumers))
	for i := uint64(0); i < producers; i++ {
		go func(i uint64) {
			produce(queue, i*share, (i+1)*share)
			running.Done()
		}(i)
	}
	for i := range sums {
		go func(sum *uint64) {
			*sum = consume(queue, size/consumers)
			running.Done()
		}(&sums[i])
	}
	running.Wait()

	var sum uint64
	for _, each := range sums {
		sum += each
	}
	return sum
}

func main() {
	passes := NewPasses()
	producers, consumers := uint64(8), uint64(1)
	switch passes.Variant {
	case "one_one":
		producers = 1
	case "n_n":
		consumers = 8
	}
	for passes.Again() {
		passes.End(pass(producers, consumers, uint64(passes.Size)))
	}
	passes.Report()
}
