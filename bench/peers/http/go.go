// net/http, which parses all of a request. It would add a Date, which no other server sends.
package main

import (
	"fmt"
	"net/http"
	"os"
)

var page = []byte("Hello, world!\n")

func answer(writer http.ResponseWriter, request *http.Request) {
	header := writer.Header()
	header["Date"] = nil
	header.Set("Server", "weft")
	header.Set("Content-Type", "text/plain")
	writer.Write(page)
}

func main() {
	http.HandleFunc("/", answer)
	fmt.Fprintln(os.Stderr, http.Serve(Listen(), nil))
	os.Exit(1)
}
