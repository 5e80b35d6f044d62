package signal

import (
	"errors"
	"time"
)

// Caps on what a Join may carry.
const (
	// MaxSwarmName is the longest swarm name in bytes of UTF-8.
	MaxSwarmName = 256
	// MaxToken is the longest join token in bytes.
	MaxToken = 4096
	// MaxLinkCount bounds links and max_links.
	MaxLinkCount = 1024
	// MaxExcept bounds how many members a Join or Want may rule out.
	MaxExcept = 128
)

// Join is the first message on every connection, and sent once.
type Join struct {
	Version  int
	Swarm    string // 1 to MaxSwarmName bytes; opaque to the server
	Secret   [SecretSize]byte
	Links    int           // open links to other members
	MaxLinks int           // links this member will hold; Links ≥ MaxLinks means: introduce nobody
	Seed     bool          // fetches everything from the origin and signs it
	Token    string        // proof of admission, see Config.Admit
	Expires  time.Time     // of the admission; Config.Admit sets it, it is not on the wire
	Uplink   int64         // bit/s this member can send, 0 unknown
	Except   []MemberID    // members not to be introduced: those already linked
	Place    Place         // where the member says it is, for nearer peers; only with its owner's consent
	Position time.Duration // where on the presentation's time line a VOD viewer is, 0 unknown or live
}

func (*Join) Type() Type { return TypeJoin }

func (m *Join) fields(w *fieldWriter) {
	w.integer("version", int64(m.Version))
	w.text("swarm", m.Swarm)
	w.binary("secret", m.Secret[:])
	w.integer("links", int64(m.Links))
	w.integer("max_links", int64(m.MaxLinks))
	w.flag("seed", m.Seed)
	w.text("token", m.Token)
	w.integer("uplink", m.Uplink)
	w.ids("except", m.Except)
	w.place("place", m.Place)
	w.span("position", m.Position)
}

func (m *Join) set(name []byte, r *fieldReader) bool {
	switch string(name) {
	case "version":
		m.Version = int(r.integer(0, 1<<16))
	case "swarm":
		m.Swarm = r.text(MaxSwarmName)
	case "secret":
		r.exact(m.Secret[:])
	case "links":
		m.Links = int(r.integer(0, MaxLinkCount))
	case "max_links":
		m.MaxLinks = int(r.integer(0, MaxLinkCount))
	case "seed":
		m.Seed = r.flag()
	case "token":
		m.Token = r.text(MaxToken)
	case "uplink":
		m.Uplink = r.integer(0, 1<<53-1)
	case "except":
		m.Except = r.ids(MaxExcept)
	case "place":
		m.Place = r.place()
	case "position":
		m.Position = r.position()
	default:
		return false
	}
	return true
}

func (m *Join) check() error {
	if m.Version != Version {
		// Another version may spell the rest differently; its number says enough.
		return nil
	}
	if m.Swarm == "" {
		return errors.New("swarm is missing")
	}
	if m.Secret == [SecretSize]byte{} {
		return errors.New("secret is missing")
	}
	return nil
}
