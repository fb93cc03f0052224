// Nine of ten children are goroutines, the tenth is run by the node itself.
package main

import "sync"

const children = 10

func skynet(first, leaves uint64) uint64 {
	if leaves == 1 {
		return first
	}
	share := leaves / children
	var parts [children]uint64
	var others sync.WaitGroup
	others.Add(children - 1)
	for i := uint64(1); i < children; i++ {
		go func(i uint64) {
			parts[i] = skynet(first+i*share, share)
			others.Done()
		}(i)
	}
	parts[0] = skynet(first, share)
	others.Wait()

	var sum uint64
	for _, part := range parts {
		sum += part
	}
	return sum
}

func main() {
	passes := NewPasses()
	for passes.Again() {
		passes.End(skynet(0, uint64(passes.Size)))
	}
	passes.Report()
}
