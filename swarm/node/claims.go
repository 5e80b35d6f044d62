package node

import (
	"github.com/shoal-p2p/shoal/segments"
	"github.com/shoal-p2p/shoal/swarm"
)

// claim is what a peer said of an unsigned segment and somebody else denied. The
// origin decides.
type claim struct {
	peer   swarm.PeerID
	first  int
	leaves []segments.Leaf
}

// distrust throws away what is here of a key; it will come from the origin.
func (n *Node) distrust(k segments.Key) {
	n.cfg.Store.Delete(k)
	delete(n.known, k)
	if o := n.objects[k]; o != nil {
		o.finished = false
		o.restarts.Add(1)
		o.assembly.Reset()
	}
}

// settleClaims compares what peers claimed with what the origin sent.
func (n *Node) settleClaims(o *object) {
	claims := n.claims[o.key]
	if len(claims) == 0 {
		return
	}
	delete(n.claims, o.key)
	leaves := o.assembly.Leaves()
	for _, c := range claims {
		for i, leaf := range c.leaves {
			if j := c.first + i; j >= len(leaves) || leaves[j] != leaf {
				n.feed(swarm.BadPiece{Key: o.key, From: c.peer})
				break
			}
		}
	}
}
