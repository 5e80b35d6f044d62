// Command nats runs a NATS server on a free loopback port, prints its URL and ends
// with its input.
package main

import (
	"fmt"
	"io"
	"log"
	"os"
	"time"

	"github.com/nats-io/nats-server/v2/server"
)

func main() {
	s, err := server.NewServer(&server.Options{Host: "127.0.0.1", Port: -1, NoSigs: true, NoLog: true})
	if err != nil {
		log.Fatal(err)
	}
	go s.Start()
	if !s.ReadyForConnections(30 * time.Second) {
		log.Fatal("nats: did not start")
	}
	fmt.Println("listening at", s.ClientURL())
	io.Copy(io.Discard, os.Stdin)
	s.Shutdown()
}
