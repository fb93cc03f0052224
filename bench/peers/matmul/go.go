// Three of four quadrants are goroutines, the fourth is multiplied in place. Go does not vectorise the kernel.
package main

import (
	"sync"
	"time"
)

const block = 64

// Product is a square part of three matrices that share one row stride.
type Product struct {
	c, a, b      []float64
	size, stride int
}

// The product of two quadrants (row, inner) of A and (inner, column) of B, which adds to (row, column) of C.
func (p Product) quadrant(row, column, inner int) Product {
	half := p.size / 2
	return Product{p.c[(row*p.stride+column)*half:], p.a[(row*p.stride+inner)*half:],
		p.b[(inner*p.stride+column)*half:], half, p.stride}
}

func (p Product) multiplyBlock() {
	for i := 0; i < p.size; i++ {
		c := p.c[i*p.stride:][:p.size]
		for k, a := range p.a[i*p.stride:][:p.size] {
			b := p.b[k*p.stride:][:len(c)]
			for j := range c {
				c[j] += a * b[j]
			}
		}
	}
}

func (p Product) multiply() {
	if p.size <= block {
		p.multiplyBlock()
		return
	}
	for inner := 0; inner < 2; inner++ {
		var others sync.WaitGroup
		others.Add(3)
		for quadrant := 0; quadrant < 3; quadrant++ {
			go func(part Product) {
				part.multiply()
				others.Done()
			}(p.quadrant(quadrant/2, quadrant%2, inner))
		}
		p.quadrant(1, 1, inner).multiply()
		others.Wait()
	}
}

// Whether u' * C * v is (u' * A) * (B * v) modulo 2^64, for u = v = (1, 3, 5, ...).
func (p Product) right() uint64 {
	weight := func(i int) uint64 { return 2*uint64(i) + 1 }
	whole := func(x float64) uint64 { return uint64(int64(x)) }
	var found, expected uint64
	for i := 0; i < p.size; i++ {
		var columnOfA, rowOfB uint64
		for j := 0; j < p.size; j++ {
			found += weight(i) * whole(p.c[i*p.stride+j]) * weight(j)
			columnOfA += weight(j) * whole(p.a[j*p.stride+i])
			rowOfB += weight(j) * whole(p.b[i*p.stride+j])
		}
		expected += columnOfA * rowOfB
	}
	if found != expected {
		return 0
	}
	return 1
}

// Reproducible entries from -8 to 7, the top bits of a linear congruential sequence.
func numbers(count int, seed uint64) []float64 {
	entries := make([]float64, count)
	for i := range entries {
		seed = seed*6364136223846793005 + 1442695040888963407
		entries[i] = float64(seed>>60) - 8
	}
	return entries
}

func main() {
	passes := NewPasses()
	size := passes.Size
	a, b := numbers(size*size, 1), numbers(size*size, 2)
	c := make([]float64, size*size)
	for passes.Again() {
		for i := range c {
			c[i] = 0
		}
		product := Product{c, a, b, size, size}
		begin := time.Now()
		product.multiply()
		took := time.Since(begin)
		passes.EndAfter(float64(took.Nanoseconds()), product.right())
	}
	passes.Report()
}
