package sim

import (
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/shoal-p2p/shoal/swarm"
)

// kind is what an event is; the fields it uses are in brackets.
type kind uint8

const (
	evJoin       kind = iota // somebody comes [flag: joinSeed, joinViewer; seg: index of Members, or -1]
	evTick                   // a brain's Next is due [who]
	evState                  // the signal server's word on the swarm [who]
	evDiscover               // and its answer to Discover [who, seg: count]
	evLinkUp                 // [link]
	evLinkDown               // [who, seg: the other peer]
	evLost                   // the other end of a link is found dead [who, link]
	evControl                // a message arrives [link: direction, seg: message slot]
	evUplink                 // a piece has left its sender [who, link: direction, seg, piece]
	evArrive                 // and comes to the receiver's line [who, link: direction, seg, piece, flag]
	evGain                   // and is through it [the same]
	evFetch                  // the origin answers [seg: fetch slot]
	evOrigin                 // a piece has left the origin [seg: fetch slot]
	evOriginGain             // and is here [who, seg, piece]
	evFetchEnded             // [seg: fetch slot]
	evPeriod                 // a player's or seed's round, once a segment [who]
	evAsk                    // a player asks for what exists now [who]
	evPlay                   // a segment must be whole [who, flag: timer]
	evSwitch                 // a viewer changes track [who]
	evRetry                  // a player asks again after an error [who, seg]
	evMeasure                // round trips are read [who]
	evFalseOffer             // a liar's offer [who, link: direction, seg]
	evLeave                  // a viewer goes, another comes [who]
	evKill                   // many go at once [seg: index of Kills]
	evWarm                   // the figures begin
	evSecond                 // the swarm is looked at
	kinds
)

const (
	joinViewer = iota
	joinSeed
)

// world is all of one run.
type world struct {
	cfg    Config
	queue  *queue
	now    swarm.Time
	rng    *rand.Rand // joins, kills
	geo    *geography
	stream *stream
	think  func(swarm.Config) (brain, error)

	peers    []*peer
	ids      map[swarm.PeerID]int32
	links    []link
	messages slots[swarm.Message]
	fetches  slots[fetch]
	open     []int32 // the tracker's members with room, longest waiting first
	members  int     // with a websocket open
	viewers  int     // alive

	originFree                      swarm.Time // when the origin's line is idle
	uplinkQuota, lieQuota, natQuota quota
	holders, consumed               []int32 // of each segment
	heldSince                       []swarm.Time
	cheated                         map[int64][]int32 // segments, by victim and liar
	supply                          supply
	stopped                         error   // by Config.Progress
	copies                          []int64 // bytes of each segment that left the origin, joiners' apart
	inputs, effects, events         uint64
	hash                            uint64
	maxHops                         int
	blind                           bool // edges verify nothing, for the test of that invariant
	ledger                          ledger
	fig                             figures
	series                          []Second
	largest                         largest
	violations                      []string
	violated                        int
	notes                           []string
}

func newWorld(cfg Config, think func(swarm.Config) (brain, error)) *world {
	seeded := func(stream uint64) *rand.Rand { return rand.New(rand.NewPCG(cfg.RandomSeed, stream)) }
	w := &world{
		cfg: cfg, queue: newQueue(), rng: seeded(1), think: think,
		geo:    &geography{min: cfg.RTTMin, span: cfg.RTTMax - cfg.RTTMin, jitter: max(cfg.Jitter, 0), rng: seeded(2)},
		stream: newStream(cfg, seeded(3)),
		ids:    map[swarm.PeerID]int32{},
		hash:   fnvOffset,
	}
	w.uplinkQuota = quota{w.rng.Float64(), golden}
	w.lieQuota = quota{w.rng.Float64(), silver}
	w.natQuota = quota{w.rng.Float64(), bronze}
	w.holders = make([]int32, len(w.stream.keys))
	w.consumed = make([]int32, len(w.stream.keys))
	w.heldSince = make([]swarm.Time, len(w.stream.keys))
	w.cheated = map[int64][]int32{}
	w.copies = make([]int64, len(w.stream.keys))
	w.series = make([]Second, int(cfg.Duration/time.Second)+1)
	w.fig.reset()

	come := func(at, within time.Duration, count int, flag uint8) {
		for i := range count {
			w.queue.push(event{at: max(at+within*time.Duration(i)/time.Duration(count), cfg.ClockSkew), kind: evJoin, flag: flag, seg: -1})
		}
	}
	for i, m := range cfg.Members {
		e := event{at: max(m.Joins, cfg.ClockSkew), kind: evJoin, flag: joinViewer, seg: int32(i)}
		if m.Seed {
			e.flag = joinSeed
		}
		w.queue.push(e)
	}
	if len(cfg.Members) == 0 {
		come(0, 0, cfg.Seeds, joinSeed)
		come(0, cfg.Arrive, cfg.Viewers, joinViewer)
	}
	for _, c := range cfg.Crowds {
		come(c.At, c.Within, c.Count, joinViewer)
	}
	for i, k := range cfg.Kills {
		w.queue.push(event{at: k.At, kind: evKill, seg: int32(i)})
	}
	w.queue.push(event{at: cfg.Warmup, kind: evWarm})
	w.queue.push(event{at: sampleEvery / 2, kind: evSecond})
	return w
}

// run lets time pass until the end.
func (w *world) run() {
	for w.stopped == nil {
		e, ok := w.queue.pop()
		if !ok || e.at > w.cfg.Duration {
			if ok {
				w.queue.push(e)
			}
			return
		}
		w.now = max(w.now, e.at)
		w.events++
		w.fold(uint64(w.now))
		w.fold(uint64(e.kind)<<56 | uint64(e.flag)<<48 | uint64(e.piece)<<32 | uint64(uint32(e.who)))
		w.fold(uint64(uint32(e.link))<<32 | uint64(uint32(e.seg)))
		w.happen(&e)
	}
}

func (w *world) happen(e *event) {
	switch e.kind {
	case evJoin:
		w.join(e.flag == joinSeed, int(e.seg))
	case evTick:
		w.tick(w.peers[e.who], e.at)
	case evState:
		w.state(w.peers[e.who])
	case evDiscover:
		w.discover(w.peers[e.who], int(e.seg))
	case evLinkUp:
		w.linkUp(e.link)
	case evLinkDown:
		w.linkDown(w.peers[e.who], e.seg)
	case evLost:
		w.lostLink(e.link, w.peers[e.who])
	case evControl:
		w.control(e)
	case evUplink:
		w.uplinked(e)
	case evArrive:
		w.arrive(e)
	case evGain:
		w.gain(e)
	case evFetch:
		w.respond(e.seg)
	case evOrigin:
		w.left(e.seg)
	case evOriginGain:
		w.originGain(e)
	case evFetchEnded:
		w.fetchEnded(e.seg)
	case evPeriod:
		w.period(w.peers[e.who])
	case evAsk:
		if p := w.peers[e.who]; p.alive {
			w.ask(p)
		}
	case evPlay:
		w.playDue(w.peers[e.who], e.flag)
	case evSwitch:
		w.change(w.peers[e.who])
	case evRetry:
		w.retry(w.peers[e.who], e.seg)
	case evMeasure:
		w.measure(w.peers[e.who])
	case evFalseOffer:
		w.falseOffer(e)
	case evLeave:
		w.churn(w.peers[e.who])
	case evKill:
		w.kill(w.cfg.Kills[e.seg])
	case evWarm:
		w.warm()
	case evSecond:
		w.everySecond()
	}
}

// warm begins the window of the figures.
func (w *world) warm() {
	w.fig.reset()
	w.supply = supply{}
	for _, p := range w.peers {
		p.sentBefore = p.sent
	}
}

func (w *world) everySecond() {
	w.queue.push(event{at: w.now + sampleEvery, kind: evSecond})
	w.sampleSupply()
	w.second() // which notes the viewers, though nothing else may happen in it
	if w.cfg.Progress != nil {
		p := Progress{At: w.now, Of: w.cfg.Duration, Events: w.events, Peers: len(w.peers), Violations: w.violated}
		if i := int(w.now/time.Second) - 1; i >= 0 {
			p.Last = w.series[i]
		}
		w.stopped = w.cfg.Progress(p)
	}
}

// join makes a peer and lets it come in; member is its place in Config.Members,
// -1 for one that is not there.
func (w *world) join(seed bool, member int) {
	index := int32(len(w.peers))
	p := &peer{
		index: index, id: swarm.PeerID(fmt.Sprintf("%016x", w.rng.Uint64())), alive: true, seed: seed,
		rng: rand.New(rand.NewPCG(w.cfg.RandomSeed, 1<<32|uint64(index))), place: w.geo.place(),
		tickAt: never, joined: w.now, left: never, maxPeers: w.cfg.Brain.MaxPeers, member: member,
		up: uplink{rate: w.cfg.SeedLink}, down: downlink{rate: w.cfg.SeedLink},
	}
	if w.cfg.ClockSkew > 0 {
		p.skew = time.Duration(w.rng.Int64N(2*int64(w.cfg.ClockSkew))) - w.cfg.ClockSkew
	}
	cfg := w.cfg.Brain
	cfg.ID, cfg.RandomSeed, cfg.Seed = p.id, w.rng.Uint64(), seed
	if seed {
		p.maxPeers = w.cfg.SeedPeers
		cfg.MaxPeers, cfg.MinPeers = p.maxPeers, min(cfg.MinPeers, p.maxPeers)
	} else {
		p.up.rate, p.down.rate = w.drawUplink(), w.cfg.Downlink
		p.lie = w.draw()
		p.symmetric = w.natQuota.draw() < w.cfg.Symmetric
	}
	if member >= 0 {
		m := w.cfg.Members[member]
		p.up.rate, p.symmetric = m.Up, m.Symmetric
		if m.Corrupt {
			p.lie = corrupts
		}
		if m.Down > 0 {
			p.down.rate = m.Down
		}
	}
	if w.cfg.UplinkTold && !seed {
		cfg.UploadMax, cfg.Metered = p.up.rate, cfg.Metered || p.up.rate == 0
	}
	if w.cfg.Trace != nil {
		cfg.Log = func(at swarm.Time, line string) { w.cfg.Trace(at-p.skew, p.id, line) }
	}
	b, err := w.think(cfg)
	if err != nil {
		w.violate("brain of peer %d: %v", index, err)
		return
	}
	p.brain = b
	w.peers = append(w.peers, p)
	w.ids[p.id] = index
	w.setSignal(p, true)
	w.queue.push(event{at: w.now + measureEvery, kind: evMeasure, who: index})
	switch {
	case !seed:
		w.viewers++
		if w.cfg.Churn > 0 {
			w.queue.push(event{at: w.now + w.wait(p, w.cfg.Churn), kind: evLeave, who: index})
		}
		w.enter(p)
	case w.cfg.Mode == VOD:
		for seg := range w.stream.keys {
			w.stock(p, int32(seg))
		}
	default:
		p.followed = max(0, w.stream.edge(w.now)+1-int(w.cfg.Latency/w.cfg.SegmentDuration))
		w.period(p)
	}
}

func (w *world) drawUplink() int64 {
	u := w.uplinkQuota.draw()
	for _, class := range w.cfg.Uplinks {
		if u -= class.Share; u < 0 {
			return class.Rate
		}
	}
	return w.cfg.Uplinks[len(w.cfg.Uplinks)-1].Rate
}

const (
	fnvOffset = 14695981039346656037
	fnvPrime  = 1099511628211
)

// fold mixes a word into the result hash (FNV-1a over 64-bit words).
func (w *world) fold(v uint64) { w.hash = (w.hash ^ v) * fnvPrime }

func (w *world) trace(p *peer, what any) {
	w.cfg.Trace(w.now, p.id, fmt.Sprintf("%T%+v", what, what))
}
