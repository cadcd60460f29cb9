// A static HTTP server and client in one program: what Go's own network poller asks of a socket layer.
//
//	go_http serve ADDRESS:PORT
//	go_http fetch URL REQUESTS CONCURRENCY
package main

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
)

func main() {
	if len(os.Args) == 3 && os.Args[1] == "serve" {
		serve(os.Args[2])
		return
	}
	if len(os.Args) == 5 && os.Args[1] == "fetch" {
		requests, _ := strconv.Atoi(os.Args[3])
		workers, _ := strconv.Atoi(os.Args[4])
		fetch(os.Args[2], requests, workers)
		return
	}
	fmt.Fprintln(os.Stderr, "usage: go_http serve ADDRESS:PORT | fetch URL REQUESTS CONCURRENCY")
	os.Exit(2)
}

func serve(address string) {
	http.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		host, _, _ := net.SplitHostPort(r.RemoteAddr)
		fmt.Fprintf(w, "hello from go to %s\n", host)
	})
	http.HandleFunc("/big", func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, strings.Repeat("0123456789abcdef", 1<<16))
	})
	if err := http.ListenAndServe(address, nil); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func fetch(url string, requests, workers int) {
	var group sync.WaitGroup
	var lock sync.Mutex
	total, left := 0, requests
	for w := 0; w < workers; w++ {
		group.Add(1)
		go func() {
			defer group.Done()
			for {
				lock.Lock()
				if left == 0 {
					lock.Unlock()
					return
				}
				left--
				lock.Unlock()
				response, err := http.Get(url)
				if err != nil {
					fmt.Fprintln(os.Stderr, err)
					os.Exit(1)
				}
				body, err := io.ReadAll(response.Body)
				response.Body.Close()
				if err != nil {
					fmt.Fprintln(os.Stderr, err)
					os.Exit(1)
				}
				lock.Lock()
				total += len(body)
				lock.Unlock()
			}
		}()
	}
	group.Wait()
	fmt.Printf("fetched %d requests, %d bytes\n", requests, total)
}
