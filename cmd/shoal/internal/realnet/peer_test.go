package realnet

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"

	"github.com/pion/transport/v4"
	"github.com/pion/webrtc/v4"

	"github.com/shoal-p2p/shoal/segments"
	"github.com/shoal-p2p/shoal/swarm/node"
	"github.com/shoal-p2p/shoal/swarm/rtc"
	"github.com/shoal-p2p/shoal/swarm/wire"
)

// host is where a peer runs.
type host struct {
	net    transport.Net
	client *http.Client // to the origin
	origin string       // its URL
	ice    []webrtc.ICEServer
	kill   func() // cuts the cable
}

// peer is a seed or a viewer.
type peer struct {
	show   *show
	node   *node.Node
	host   host
	name   string
	joined time.Time
	close  func()

	mu       sync.Mutex
	first    int
	asked    int // highest number asked for
	playing  bool
	playAt   time.Time // of first, once playing, later by every stall
	stalls   []string
	mistakes []string
}

func (p *peer) resource(number int, deadline time.Time, urgent bool) node.Resource {
	return node.Resource{
		Key: p.show.key(number), URL: fmt.Sprintf("%s/%d", p.host.origin, number), Last: -1,
		Header:    http.Header{"Peer": {p.name}},
		Available: p.show.available(number), Deadline: deadline, Duration: p.show.config.SegmentDuration,
		SizeHint: p.show.size(), Shareable: true, Urgent: urgent,
	}
}

// due is when a number must be whole. Callers hold mu.
func (p *peer) due(number int) time.Time {
	at := time.Now()
	if p.playing {
		at = p.playAt
	} else {
		number = number - p.next() + p.first
	}
	return at.Add(time.Duration(number-p.first) * p.show.config.SegmentDuration)
}

func (p *peer) next() int { return max(p.asked, p.first) }

// plan names what comes within the horizon.
func (p *peer) plan() {
	c := &p.show.config
	p.mu.Lock()
	end := p.show.edge(time.Now()) + int(c.Horizon/c.SegmentDuration)
	var rs []node.Resource
	for n := p.next(); n <= end; n++ {
		rs = append(rs, p.resource(n, p.due(n), n == p.asked && n <= p.first+1))
	}
	p.mu.Unlock()
	p.node.Plan(rs)
}

// everySegment calls f at once and then once a segment, until the context ends.
func (p *peer) everySegment(ctx context.Context, f func()) {
	tick := time.NewTicker(p.show.config.SegmentDuration)
	defer tick.Stop()
	for f(); ; f() {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

// watch is a viewer: it asks for one number after the other, each when it exists and
// the one before is whole, and plays them, as sim's player does.
func (p *peer) watch(ctx context.Context) {
	c := &p.show.config
	var planning sync.WaitGroup
	defer planning.Wait()
	p.mu.Lock()
	p.first = p.show.edge(time.Now()) + 1 - int(c.Latency/c.SegmentDuration)
	p.asked = p.first
	p.mu.Unlock()
	planning.Go(func() { p.everySegment(ctx, p.plan) })
	for number := p.first; ctx.Err() == nil; number++ {
		select {
		case <-time.After(time.Until(p.show.available(number))):
		case <-ctx.Done():
			return
		}
		for p.get(ctx, number) != nil && ctx.Err() == nil {
			time.Sleep(100 * time.Millisecond)
		}
	}
}

func (p *peer) get(ctx context.Context, number int) error {
	p.mu.Lock()
	p.asked = number
	r := p.resource(number, p.due(number), number <= p.first+1)
	p.mu.Unlock()
	stream, err := p.node.Get(ctx, r)
	if err != nil {
		return err
	}
	defer stream.Close()
	reader := stream.Reader(0, -1)
	defer reader.Close()
	body, err := io.ReadAll(reader)
	if err != nil {
		return err
	}
	now := time.Now()
	p.mu.Lock()
	defer p.mu.Unlock()
	if !bytes.Equal(body, p.show.body(number)) {
		p.mistakes = append(p.mistakes, fmt.Sprintf("%s: number %d has wrong bytes", p.name, number))
	}
	switch due := p.due(number); {
	case !p.playing:
		p.playing, p.playAt = true, now
		go p.plan() // deadlines moved
	case now.After(due):
		p.stalls = append(p.stalls, fmt.Sprintf("%s: number %d of %d came %v late, %v after the start", p.name, number, p.first,
			now.Sub(due).Round(time.Millisecond), now.Sub(p.show.start).Round(time.Millisecond)))
		p.playAt = p.playAt.Add(now.Sub(due))
		go p.plan()
	}
	return nil
}

// feed is a seed: it wants every number as soon as it exists.
func (p *peer) feed(ctx context.Context) {
	c := &p.show.config
	p.everySegment(ctx, func() {
		edge := p.show.edge(time.Now())
		var rs []node.Resource
		for n := max(0, edge+1-int(c.Latency/c.SegmentDuration)); n <= edge+int(c.Horizon/c.SegmentDuration); n++ {
			rs = append(rs, p.resource(n, later(time.Now(), p.show.available(n)).Add(c.Latency), false))
		}
		p.node.Plan(rs)
	})
}

// liar sends one flipped bit in every piece.
type liar struct{ *rtc.Network }

func (l liar) Start(h node.Handler) { l.Network.Start(lyingHandler{h}) }

type lyingHandler struct{ node.Handler }

func (h lyingHandler) LinkUp(l node.Link) { h.Handler.LinkUp(lyingLink{l}) }

type lyingLink struct{ node.Link }

func (l lyingLink) SendBulk(frame []byte) error {
	if f, err := wire.ParseBulk(frame); err == nil {
		if piece, ok := f.(wire.Piece); ok && len(piece.Payload) > 0 {
			frame[len(frame)-1] ^= 0x10
		}
	}
	return l.Link.SendBulk(frame)
}

// join starts member i of a story at a host.
func join(s *show, i int, h host, signalURL string, signer *segments.Signer) (*peer, error) {
	m := s.config.Members[i]
	core := s.config.Brain
	core.Seed, core.RandomSeed = m.Seed, uint64(i)
	switch {
	case m.Seed:
		core.MaxPeers, core.MinPeers = s.config.SeedPeers, min(core.MinPeers, s.config.SeedPeers)
	case s.config.UplinkTold:
		core.UploadMax, core.Metered = m.Up, m.Up == 0
	}
	network, err := rtc.New(rtc.Config{URL: signalURL, Swarm: track, Seed: m.Seed, Net: h.net, ICEServers: h.ice,
		MaxLinks: core.MaxPeers, Uplink: core.UploadMax})
	if err != nil {
		return nil, err
	}
	store, err := segments.OpenStore(segments.StoreConfig{})
	if err != nil {
		return nil, errors.Join(err, network.Close())
	}
	origin := segments.NewOrigin(segments.OriginConfig{Client: h.client})
	core.ID = network.ID()
	nc := node.Config{Swarm: track, Store: store.View(track), Origin: origin, Network: network, Core: core}
	if s.config.Brain.Signed {
		nc.PublicKey = signer.Public()
	}
	if m.Seed {
		nc.Signer = signer
	}
	if m.Corrupt {
		nc.Network = liar{network}
	}
	n, err := node.New(nc)
	if err != nil {
		return nil, errors.Join(err, network.Close(), store.Close())
	}
	p := &peer{show: s, node: n, host: h, name: fmt.Sprint("member ", i), joined: time.Now()}
	ctx, cancel := context.WithCancel(context.Background())
	var life sync.WaitGroup
	if m.Seed {
		life.Go(func() { p.feed(ctx) })
	} else {
		life.Go(func() { p.watch(ctx) })
	}
	p.close = sync.OnceFunc(func() {
		cancel()
		n.Close()
		life.Wait()
		origin.Close()
		store.Close()
	})
	return p, nil
}
