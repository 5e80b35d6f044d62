package node

import (
	"testing"
	"time"

	"github.com/shoal-p2p/shoal/segments"
)

// TestCloseKeepsWhatIsWhole closes nodes in the moment after a reader has read a
// segment to its end.
func TestCloseKeepsWhatIsWhole(t *testing.T) {
	o := newTestOrigin(t, 3*segments.PieceSize+1)
	for i := range 300 {
		var view *segments.View
		n := newTestNode(t, newFakeNet(), i, func(c *Config) { view = c.Store })
		r := o.resource(i, time.Time{}, time.Now())
		n.read(t, r)
		n.Close()
		if _, ok := view.Get(r.Key); !ok {
			t.Fatalf("node %d: %s was read whole and is not in the store", i, r.Key)
		}
	}
}
