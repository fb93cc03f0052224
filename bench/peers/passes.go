// Passes: how a Go program of bench/peers/ times itself and what it prints. The rules are those of passes.hpp.
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"
)

type Passes struct {
	Size    int
	Variant string
	CPU     bool // count the process's processor time
	begin   float64
	sum     float64
	ended   int
	answer  uint64
	ns      []float64
	extra   map[string]float64
}

// NewPasses reads LOOPS SIZE [VARIANT] and sets GOMAXPROCS.
func NewPasses() *Passes {
	if len(os.Args) != 3 && len(os.Args) != 4 {
		fmt.Fprintln(os.Stderr, "expected LOOPS SIZE [VARIANT]")
		os.Exit(2)
	}
	p := &Passes{Size: number(os.Args[2], "SIZE"), extra: map[string]float64{}}
	runtime.GOMAXPROCS(number(os.Args[1], "LOOPS"))
	if len(os.Args) == 4 {
		p.Variant = os.Args[3]
	}
	return p
}

func number(text, name string) int {
	value, err := strconv.Atoi(text)
	if err != nil || value < 1 {
		fmt.Fprintf(os.Stderr, "expected %s, got '%s'\n", name, text)
		os.Exit(2)
	}
	return value
}

func (p *Passes) now() float64 {
	if !p.CPU {
		return float64(time.Since(origin).Nanoseconds())
	}
	var usage syscall.Rusage
	syscall.Getrusage(syscall.RUSAGE_SELF, &usage)
	return float64(usage.Utime.Nano() + usage.Stime.Nano())
}

var origin = time.Now()

func (p *Passes) Again() bool {
	if p.sum >= 100e6 || len(p.ns) >= 1000 {
		return false
	}
	p.Start()
	return true
}

func (p *Passes) Start() { p.begin = p.now() }

func (p *Passes) End(answer uint64) { p.EndAfter(p.now()-p.begin, answer) }

// EndOnce is EndAfter for the only pass there is to be.
func (p *Passes) EndOnce(ns float64, answer uint64) {
	p.ended, p.answer = 1, answer
	p.EndAfter(ns, answer)
}

func (p *Passes) EndAfter(ns float64, answer uint64) {
	if p.ended != 0 && answer != p.answer {
		fmt.Fprintf(os.Stderr, "two passes gave %d and %d\n", p.answer, answer)
		os.Exit(1)
	}
	p.ended++
	p.answer = answer
	if p.ended == 1 && ns < 1e9 {
		return
	}
	p.ns = append(p.ns, ns)
	p.sum += ns
}

func (p *Passes) Also(name string, value float64) { p.extra[name] = value }

func (p *Passes) Report() {
	report := map[string]any{"ns": p.ns, "answer": p.answer, "rss": peakBytes()}
	for name, value := range p.extra {
		report[name] = value
	}
	line, _ := json.Marshal(report)
	fmt.Println(string(line))
}

// peakBytes returns the most bytes of this process that ever were in memory.
func peakBytes() int {
	text, _ := os.ReadFile("/proc/self/status")
	_, after, _ := strings.Cut(string(text), "VmHWM:")
	kibibytes, _ := strconv.Atoi(strings.Fields(after)[0])
	return kibibytes * 1024
}

// ResidentBytes returns the bytes of this process that are in memory now.
func ResidentBytes() float64 {
	text, _ := os.ReadFile("/proc/self/statm")
	pages, _ := strconv.Atoi(strings.Fields(string(text))[1])
	return float64(pages) * 4096
}
