// The watcher is a goroutine with an OS thread to itself, which sleeps in a system call of its own: time.Sleep would be
// a timer of the runtime's.
package main

import (
	"math"
	"os"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"
)

const rusageThread = 1

// otherThreads returns the context switches and the processor time of all threads but the calling one.
func otherThreads() (switches, cpu float64) {
	threads, _ := os.ReadDir("/proc/self/task")
	for _, thread := range threads {
		if thread.Name() == strconv.Itoa(syscall.Gettid()) {
			continue
		}
		status, _ := os.ReadFile("/proc/self/task/" + thread.Name() + "/status")
		for _, line := range strings.Split(string(status), "\n") {
			if _, count, found := strings.Cut(line, "voluntary_ctxt_switches:"); found {
				number, _ := strconv.ParseFloat(strings.TrimSpace(count), 64)
				switches += number
			}
		}
	}
	var all, own syscall.Rusage
	syscall.Getrusage(syscall.RUSAGE_SELF, &all)
	syscall.Getrusage(rusageThread, &own)
	return switches, float64(all.Utime.Nano() + all.Stime.Nano() - own.Utime.Nano() - own.Stime.Nano())
}

func sleep(milliseconds int) {
	pause := syscall.NsecToTimespec(int64(milliseconds) * 1e6)
	syscall.Nanosleep(&pause, nil)
}

func main() {
	passes := NewPasses()
	ended, woken := make(chan bool), make(chan bool)
	go func() {
		<-ended
		woken <- true
	}()
	runtime.LockOSThread()
	sleep(100)
	begin := time.Now()
	switchesBefore, cpuBefore := otherThreads()
	sleep(passes.Size)
	switches, cpu := otherThreads()
	took := time.Since(begin)
	ended <- true
	<-woken
	passes.Also("wakeups", (switches-switchesBefore)/took.Seconds())
	passes.Also("cpu", math.Max(0, cpu-cpuBefore)/1e9/took.Seconds()) // the clocks are not read at once
	passes.EndOnce(float64(took.Nanoseconds()), 1)
	passes.Report()
}
