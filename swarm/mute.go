package swarm

import (
	"time"

	"github.com/shoal-p2p/shoal/segments"
)

// muteAfter is how long nothing may leave on any link before this peer takes itself
// for one that cannot upload.
const muteAfter = 1500 * time.Millisecond

// stuck says that pieces wait on links and none of them moves: a single slow or dead
// neighbour does not look like that, an uplink without capacity does.
func (c *Core) stuck() bool {
	return c.owed > 0 && c.now-max(c.sentAt, c.owedAt) > muteAfter
}

// checkMute tells neighbours not to count on this peer while its uplink is stuck.
// What it holds is still told, so that they know what it needs not be sent.
func (c *Core) checkMute() {
	if stuck := c.stuck(); stuck != c.mute {
		c.mute = stuck
		c.note("mute %t: %d pieces wait on links", stuck, c.owed)
		for _, p := range c.links {
			c.send(p, c.greeting())
		}
	}
}

// greeting is what neighbours are told of this peer.
func (c *Core) greeting() Hello {
	return Hello{Version: Version, Seed: c.cfg.Seed, Metered: c.cfg.Metered || c.mute,
		Uplink: c.ownUplink(), MaxPeers: c.cfg.MaxPeers}
}

// ownUplink is what this peer can upload in bit/s, as configured or as told last.
func (c *Core) ownUplink() int64 {
	if c.cfg.UploadMax > 0 {
		return c.cfg.UploadMax
	}
	return int64(c.uplink.told * 8 * segments.PieceSize)
}

// tellUplink tells neighbours when the uplink turned out to be another by a quarter.
func (c *Core) tellUplink() {
	u := &c.uplink
	if c.cfg.UploadMax > 0 || c.now-u.at < tellUplink || u.rate < 1.25*u.told && u.rate > 0.75*u.told || u.rate == 0 {
		return
	}
	u.told, u.at = u.rate, c.now
	for _, p := range c.links {
		c.send(p, c.greeting())
	}
}

// owe books pieces handed to a link.
func (c *Core) owe(p *peer, n int) {
	if c.owed == 0 {
		c.owedAt = c.now
		c.uplink.since, c.uplink.sent = c.now, 0
	}
	c.owed += n
	p.outstanding += n
	p.owedAt = c.now
}

// paid books pieces that left.
func (c *Core) paid(p *peer, n int) {
	n = min(n, p.outstanding)
	p.outstanding -= n
	c.owed -= n
	c.sentAt = c.now
}
