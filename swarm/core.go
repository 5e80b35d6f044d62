package swarm

import (
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"time"
)

// Core is the brain of one peer: a pure state machine without clock, goroutine
// or I/O. It is not safe for concurrent use; the edge owns it.
type Core struct {
	cfg Config
	now Time
	// random draws from [0, 1): all chance there is.
	random func() float64

	items  map[Key]*item
	tracks map[string]*track
	peers  map[PeerID]*peer
	links  []*peer // in order of arrival, so that effects never depend on map order
	pend   map[PeerID]dial
	banned *recent[PeerID]
	cands  candidates

	size      int
	connected bool
	websocket websocket
	linked    int // links ever, for their order
	seekAt    Time
	seekWait  time.Duration
	reviewAt  Time
	huntAt    Time
	scoutAt   Time
	scoutWait time.Duration
	crowded   bool // more than MaxPeers links
	roomBy    Time // when one of them must leave
	reviews   int
	relayed   allowance // forwards of all neighbours together

	origin   originClock
	outage   outage
	upload   bucket
	owning   int  // fetches of its own, see yields
	owed     int  // pieces handed to links that have not left
	owedAt   Time // since when there are some
	sentAt   Time // when one left last
	mute     bool // nothing leaves
	uplink   uplink
	clock    float64 // of fair queueing
	seededAt Time    // when a seed's word was last heard
	salt     uint32  // makes this peer's order of equally rare pieces its own
	quick    []*peer // scratch of fillItem
	said     bitset  // scratch of learn
	relays   int
	fetches  int     // running
	waiting  []*item // elected, but maxElected are running
	transfer uint32
	fetchID  uint32

	timers    timers
	govern    *timer
	refill    *timer
	gossip    *timer
	toReserve []*item      // since the last Drain
	changed   map[Key]bool // whole keys gained (true) or lost (false) since the last Have
	order     []Key        // of changed

	lonelyAt Time // when the last link went, or others were first heard of
	effects  []Effect
	counters Counters
}

// New makes a brain.
func New(cfg Config) (*Core, error) {
	cfg = cfg.populate()
	if err := cfg.validate(); err != nil {
		return nil, err
	}
	random := cfg.Random
	if random == nil {
		h := fnv.New64a()
		h.Write([]byte(cfg.ID))
		random = rand.New(rand.NewPCG(cfg.RandomSeed, h.Sum64())).Float64
	}
	c := &Core{
		cfg:     cfg,
		random:  random,
		items:   map[Key]*item{},
		tracks:  map[string]*track{},
		peers:   map[PeerID]*peer{},
		pend:    map[PeerID]dial{},
		banned:  newRecent[PeerID](MaxBanned),
		changed: map[Key]bool{},
	}
	c.salt = hash32(string(cfg.ID))
	c.origin.guess(cfg.OriginTime)
	c.upload.limit(cfg.UploadMax)
	c.relayed = newAllowance(0, relayBurst)
	c.govern = c.timers.add(WhyGovern)
	c.refill = c.timers.add(WhyUpload)
	c.gossip = c.timers.add(WhyGossip)
	return c, nil
}

// Handle takes one input. Time must not go backwards; if it does, it stands still.
func (c *Core) Handle(now Time, in Input) {
	c.now = max(c.now, now)
	switch in := in.(type) {
	case Want:
		c.want(in)
	case Unwant:
		c.unwant(in.Keys)
	case LinkUp:
		c.linkUp(in)
	case LinkDown:
		c.linkLost(in.Peer)
	case Received:
		if p := c.peers[in.From]; p != nil {
			c.receive(p, in.Message)
		}
	case Gained:
		c.upload.spend(in.Count * ackBytes)
		c.timeFirst(in)
		c.gained(in)
	case Flowing:
		c.flowing(in)
	case BadPiece:
		c.badPiece(in)
	case Conflict:
		c.conflict(in)
	case Sent:
		c.sent(in)
	case Private:
		c.keepPrivate(in)
	case FetchEnded:
		c.fetchEnded(in)
	case Held:
		c.held(in)
	case Evicted:
		c.evicted(in.Key)
	case SwarmState:
		c.swarmState(in)
	case Introduced:
		c.introduced(in.Peers, false)
	case NeedSignal:
		c.needSignal()
	case Measured:
		if p := c.peers[in.Peer]; p != nil && in.RTT > 0 {
			p.rtt = in.RTT
		}
	case Condition:
		c.cfg.Metered = in.Metered
		c.upload.limit(in.UploadMax)
	case Trust:
		c.cfg.Signed = in.Signed
	case ForwardOut:
		c.forwardOut(in)
	case Tick:
	}
	c.runTimers()
}

// Drain returns the effects of all inputs since the last call, in order. The
// slice is valid until the next Handle.
func (c *Core) Drain() []Effect {
	c.flushReserve()
	out := c.effects
	c.effects = c.effects[:0]
	return out
}

// Next says when Handle wants a Tick, and why. ok is false when nothing is due.
func (c *Core) Next() (at Time, why Reason, ok bool) {
	if t := c.timers.first(); t != nil {
		return t.at, t.why, true
	}
	return 0, 0, false
}

func (c *Core) receive(p *peer, m Message) {
	if !p.greeted {
		hello, ok := m.(Hello)
		if !ok {
			c.disconnect(p, "first message is not a hello")
			return
		}
		c.greet(p, hello)
		return
	}
	switch m := m.(type) {
	case Hello: // once is enough; a repeated one changes limits only
		p.hello = m
	case Reserve:
		c.reserved(p, m)
	case Release:
		c.released(p, m.Keys)
	case Have:
		c.has(p, m)
	case Offer:
		c.offered(p, m)
	case Accept:
		c.accepted(p, m)
	case Refuse:
		c.refused(p, m)
	case Begin:
		c.began(p, m)
	case Cancel:
		c.cancelled(p, m.Key)
	case Subscribe:
		c.subscribed(p, m)
	case Unsubscribe:
		c.unsubscribed(p, m.Track)
	case Peers:
		c.exchanged(p, m.IDs)
	case Forward:
		c.forward(p, m)
	case Bye:
		c.disconnect(p, "bye: "+m.Reason)
	}
}

func (c *Core) runTimers() {
	for {
		t := c.timers.first()
		if t == nil || t.at > c.now {
			return
		}
		c.timers.clear(t)
		switch t.why {
		case WhyGovern:
			c.expelSilent()
			c.review()
			c.scout()
			c.checkPeers()
		case WhyUpload:
			c.pump()
		case WhyGossip:
			c.tellHave()
		default:
			c.step(t.item)
		}
	}
}

func (c *Core) emit(e Effect) { c.effects = append(c.effects, e) }

func (c *Core) send(p *peer, m Message) {
	c.emit(Send{To: p.id, Message: m})
	c.upload.spend(messageBytes)
}

// note writes one line of the event log.
func (c *Core) note(format string, args ...any) {
	if c.cfg.Log != nil {
		c.cfg.Log(c.now, fmt.Sprintf(format, args...))
	}
}

// Counters returns a copy of the running totals.
func (c *Core) Counters() Counters { return c.counters }

// Config returns the configuration with its defaults filled in.
func (c *Core) Config() Config { return c.cfg }
