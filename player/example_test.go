package player_test

import (
	"context"
	"net/http"
	"time"

	"github.com/shoal-p2p/shoal/player"
)

// A Go player shares what it fetches by giving its HTTP client Shoal's transport.
func ExampleTransport() {
	transport := &player.Transport{
		Dial: player.Dialer(player.Config{Signal: "wss://signal.example/ws"}),
	}
	defer transport.Close()
	client := &http.Client{Transport: transport}
	_ = client // fetch the manifest and its segments with it, as before
}

// A player that knows its buffer says by when it needs a segment.
func ExampleWithDeadline() {
	req, err := http.NewRequest(http.MethodGet, "https://cdn.example/live/1234.m4s", nil)
	if err != nil {
		return
	}
	whenNeeded := time.Now().Add(4 * time.Second)
	req = req.WithContext(player.WithDeadline(context.Background(), whenNeeded))
	_ = req
}
