package signal

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"math"
	"net/netip"
	"time"

	"github.com/shoal-p2p/shoal/signal/vivaldi"
)

// Messages between servers are [kind u8][server 8] and what the kind says, all
// numbers big-endian. swarm is the 32 bytes that its blinded name encodes.
const (
	busAlive  = 'A' // to all
	busBye    = 'B' // to all: this server stops
	busState  = 'S' // to a swarm: flags u8, swarm, members here u32, adverts
	busLeft   = 'L' // to a swarm: quiet u8, swarm, id, ids that met it
	busWhere  = 'W' // to a swarm: swarm, id
	busHere   = 'H' // to a server: swarm, id
	busGone   = 'G' // to a server: swarm, id that is not here, id that asked
	busPaired = 'P' // to a server: swarm, id of a member of yours, id it was introduced to
	busView   = 'V' // to all: number u32, swarm; tell me of your members
	busSeen   = 'v' // to a server: number u32, part u8, parts u8, JSON of a SwarmState, gzipped; empty: none here
	busRelay  = 'R' // to a server: swarm, region 10, entrance u8, from, to, payload
)

// stateHello in a busState asks the others for theirs.
const stateHello = 1

func newServerID() (id serverID) {
	rand.Read(id[:])
	return id
}

func busMessage(kind byte, from serverID) []byte {
	return append(append(make([]byte, 0, 64), kind), from[:]...)
}

// appendSwarm adds the 32 bytes of a blinded name.
func appendSwarm(b []byte, name string) []byte {
	b, _ = base64.RawURLEncoding.AppendDecode(b, []byte(name[len(blindPrefix):]))
	return b
}

// advert is a member as other servers hear of it.
type advert struct {
	peer   Peer
	news   bool // joined since the last time
	hungry bool // has no link and was introduced to nobody lately
	spread bool // is an entrance of its group
}

// Flags of an advert.
const (
	advertSeed = 1 << iota
	advertNews
	advertEntrance
	advertHungry
)

// advertBytes: id 8, flags 1, address 16, links 2, max 2, uplink 8, position 8,
// place 4, country 2, asn 4, coordinate 5·4, group 2, part 2.
const advertBytes = 8 + 1 + 16 + 2 + 2 + 8 + 8 + 4 + 2 + 4 + 20 + 2 + 2

func appendAdvert(b []byte, p *Peer, flags byte) []byte {
	if p.Seed {
		flags |= advertSeed
	}
	if p.entrance != nil {
		flags |= advertEntrance
	}
	b = append(append(b, p.ID[:]...), flags)
	var address [16]byte // all zeros: unknown
	if p.Address.IsValid() {
		address = p.Address.As16()
	}
	b = append(b, address[:]...)
	e := binary.BigEndian
	b = e.AppendUint16(b, uint16(p.Links))
	b = e.AppendUint16(b, uint16(p.MaxLinks))
	b = e.AppendUint64(b, uint64(p.Uplink))
	b = e.AppendUint64(b, uint64(p.Position))
	b = e.AppendUint16(b, uint16(p.Place.Latitude))
	b = e.AppendUint16(b, uint16(p.Place.Longitude))
	b = append(b, p.Country[:]...)
	b = e.AppendUint32(b, p.ASN)
	for _, v := range []float32{p.Coordinate.X, p.Coordinate.Y, p.Coordinate.Height, p.Coordinate.Error, 0} {
		b = e.AppendUint32(b, math.Float32bits(v))
	}
	b = e.AppendUint16(b, p.region.group)
	return e.AppendUint16(b, p.region.part)
}

// busReader takes a message apart. The first shortage sticks.
type busReader struct {
	b     []byte
	short bool
}

var errBusMessage = errors.New("signal: a message of another server cannot be read")

func (r *busReader) take(n int) []byte {
	if r.short || len(r.b) < n {
		r.short = true
		return make([]byte, n)
	}
	v := r.b[:n]
	r.b = r.b[n:]
	return v
}

func (r *busReader) u8() byte     { return r.take(1)[0] }
func (r *busReader) u16() uint16  { return binary.BigEndian.Uint16(r.take(2)) }
func (r *busReader) u32() uint32  { return binary.BigEndian.Uint32(r.take(4)) }
func (r *busReader) u64() uint64  { return binary.BigEndian.Uint64(r.take(8)) }
func (r *busReader) id() MemberID { return MemberID(r.take(8)) }

func (r *busReader) swarm() string {
	return blindPrefix + base64.RawURLEncoding.EncodeToString(r.take(32))
}

func (r *busReader) float() float32 {
	v := math.Float32frombits(r.u32())
	if f := float64(v); math.IsNaN(f) || math.IsInf(f, 0) {
		return 0
	}
	return v
}

func (r *busReader) advert() advert {
	var a advert
	p := &a.peer
	p.ID = r.id()
	flags := r.u8()
	p.Seed, a.spread = flags&advertSeed != 0, flags&advertEntrance != 0
	a.news, a.hungry = flags&advertNews != 0, flags&advertHungry != 0
	if address := netip.AddrFrom16([16]byte(r.take(16))); !address.IsUnspecified() {
		p.Address = address.Unmap()
	}
	p.Links, p.MaxLinks = int(r.u16()), int(r.u16())
	p.Uplink, p.Position = int64(r.u64()), time.Duration(r.u64())
	p.Place = Place{int16(r.u16()), int16(r.u16())}
	p.Country = Country(r.take(2))
	p.ASN = r.u32()
	p.Coordinate = vivaldi.Coordinate{X: r.float(), Y: r.float(), Height: r.float(), Error: r.float()}
	r.float()
	p.region.group, p.region.part = r.u16(), r.u16()
	return a
}

// regionBytes is a region on the bus: country 2, asn 4, group 2, part 2.
func appendRegion(b []byte, r region) []byte {
	b = append(b, r.country[:]...)
	b = binary.BigEndian.AppendUint32(b, r.asn)
	b = binary.BigEndian.AppendUint16(b, r.group)
	return binary.BigEndian.AppendUint16(b, r.part)
}

func (r *busReader) region() region {
	return region{country: Country(r.take(2)), asn: r.u32(), group: r.u16(), part: r.u16()}
}
