package main

import "net"

func converse(connection net.Conn) {
	defer connection.Close()
	var buffer [4096]byte
	for {
		size, err := connection.Read(buffer[:])
		if err != nil {
			return
		}
		if _, err = connection.Write(buffer[:size]); err != nil {
			return
		}
	}
}

func main() {
	listener := Listen()
	for {
		connection, err := listener.Accept()
		if err == nil {
			go converse(connection)
		}
	}
}
