package main

import (
	"fmt"
	"io"

	"github.com/shoal-p2p/shoal/manifest"
	"github.com/shoal-p2p/shoal/player"
)

// compare prints whether two manifests' viewers would share. That they would not
// is an error, and so exit code 1.
func (o *inspectOptions) compare(w io.Writer, read [2]inspected) error {
	var sides [2]manifest.Side
	for i, r := range read {
		sides[i] = manifest.Side{Name: r.name, Presentation: r.presentation, At: r.at, Swarm: o.swarm}
		if o.swarm == "" {
			if id, err := player.SwarmID(r.url); err == nil { // a file has no swarm of its own
				sides[i].Swarm = id
			}
		}
	}
	id := manifest.Compare(sides[0], sides[1])
	write := id.WriteText
	if o.json {
		write = id.WriteJSON
	}
	if err := write(w); err != nil {
		return err
	}
	if !id.Shared {
		return fmt.Errorf("not shared: %s", id.Verdict)
	}
	return nil
}
