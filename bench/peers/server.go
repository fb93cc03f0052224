// How a Go server of bench/peers/ starts. The rules are those of server.hpp.
package main

import (
	"fmt"
	"net"
	"os"
	"runtime"
)

// Listen reads LOOPS, sets GOMAXPROCS, listens on a free port and says which.
func Listen() net.Listener {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "expected LOOPS")
		os.Exit(2)
	}
	runtime.GOMAXPROCS(number(os.Args[1], "LOOPS"))
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Println("listening on", listener.Addr())
	return listener
}
