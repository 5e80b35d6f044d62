package node

import (
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/shoal-p2p/shoal/swarm"
)

// fakeNet joins nodes of one process by goroutines and channels.
type fakeNet struct {
	mu    sync.Mutex
	peers map[swarm.PeerID]*fakePeer
}

type fakePeer struct {
	net     *fakeNet
	id      swarm.PeerID
	handler Handler
	mu      sync.Mutex
	links   map[swarm.PeerID]*fakeLink
	banned  map[swarm.PeerID]bool
	wg      sync.WaitGroup
	// tamper changes bulk frames this peer sends
	tamper func([]byte) []byte
	closed bool
}

type fakeLink struct {
	from, to  *fakePeer
	in        chan fakeFrame // what arrives at from
	other     *fakeLink
	closeOnce sync.Once
	done      chan struct{}
}

type fakeFrame struct {
	bulk bool
	b    []byte
}

func newFakeNet() *fakeNet { return &fakeNet{peers: map[swarm.PeerID]*fakePeer{}} }

func (f *fakeNet) peer(id swarm.PeerID) *fakePeer {
	p := &fakePeer{net: f, id: id, links: map[swarm.PeerID]*fakeLink{}, banned: map[swarm.PeerID]bool{}}
	f.mu.Lock()
	f.peers[id] = p
	f.mu.Unlock()
	return p
}

func (p *fakePeer) Start(h Handler) {
	p.mu.Lock()
	p.handler = h
	p.mu.Unlock()
	p.announce()
}

// announce plays signalling: everybody hears the size, the newcomer is introduced.
func (p *fakePeer) announce() {
	p.net.mu.Lock()
	var ids []swarm.PeerID
	var all []*fakePeer
	for id, o := range p.net.peers {
		if o.ready() {
			all = append(all, o)
			if id != p.id {
				ids = append(ids, id)
			}
		}
	}
	p.net.mu.Unlock()
	slices.Sort(ids)
	for _, o := range all {
		o.handler.State(len(all), true)
	}
	p.handler.Introduced(ids)
}

func (p *fakePeer) ready() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.handler != nil && !p.closed
}

func (p *fakePeer) Connect(id swarm.PeerID) {
	p.net.mu.Lock()
	o := p.net.peers[id]
	p.net.mu.Unlock()
	if o == nil || !o.ready() || o.bans(p.id) {
		p.handler.LinkDown(id, errors.New("no such peer"))
		return
	}
	a := &fakeLink{from: p, to: o, in: make(chan fakeFrame, 4096), done: make(chan struct{})}
	b := &fakeLink{from: o, to: p, in: make(chan fakeFrame, 4096), done: a.done}
	a.other, b.other = b, a
	if !p.net.join(a, b) {
		return // the other end was faster, its LinkUp answers
	}
	p.wg.Go(a.run)
	o.wg.Go(b.run)
}

// join books both ends of a link, unless there is one.
func (f *fakeNet) join(a, b *fakeLink) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, l := range []*fakeLink{a, b} {
		l.from.mu.Lock()
		there := l.from.links[l.to.id] != nil
		l.from.mu.Unlock()
		if there {
			return false
		}
	}
	for _, l := range []*fakeLink{a, b} {
		l.from.mu.Lock()
		l.from.links[l.to.id] = l
		l.from.mu.Unlock()
	}
	return true
}

func (p *fakePeer) bans(id swarm.PeerID) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.banned[id]
}

func (l *fakeLink) run() {
	l.from.handler.LinkUp(l)
	defer func() {
		l.from.mu.Lock()
		delete(l.from.links, l.to.id)
		l.from.mu.Unlock()
		l.from.handler.LinkDown(l.to.id, nil)
	}()
	for {
		select {
		case f := <-l.in:
			if f.bulk {
				l.from.handler.Bulk(l, f.b)
			} else {
				l.from.handler.Control(l, f.b)
			}
		case <-l.done:
			return
		}
	}
}

func (l *fakeLink) Peer() swarm.PeerID         { return l.to.id }
func (l *fakeLink) SendControl(b []byte) error { return l.put(fakeFrame{b: b}) }
func (l *fakeLink) SendBulk(b []byte) error {
	if l.from.tamper != nil {
		b = l.from.tamper(b)
	}
	return l.put(fakeFrame{bulk: true, b: b})
}
func (l *fakeLink) put(f fakeFrame) error {
	select {
	case l.other.in <- f:
		return nil
	case <-l.done:
		return ErrClosed
	}
}
func (l *fakeLink) Queued() int        { return 0 }
func (l *fakeLink) WakeAt(int)         {}
func (l *fakeLink) RTT() time.Duration { return time.Millisecond }
func (l *fakeLink) Close(string)       { l.closeBoth() }
func (l *fakeLink) closeBoth() {
	first := l
	if l.from.id > l.to.id {
		first = l.other
	}
	first.closeOnce.Do(func() { close(l.done) })
}

func (p *fakePeer) Discover(int) {}
func (p *fakePeer) Ban(id swarm.PeerID) {
	p.mu.Lock()
	p.banned[id] = true
	p.mu.Unlock()
}
func (p *fakePeer) SetSignalling(bool)           {}
func (p *fakePeer) Deliver(swarm.PeerID, []byte) {}
func (p *fakePeer) Now() time.Time               { return time.Now() }

// Close ends all links, as a process that is killed would.
func (p *fakePeer) Close() error {
	p.mu.Lock()
	p.closed = true
	var ls []*fakeLink
	for _, l := range p.links {
		ls = append(ls, l)
	}
	p.mu.Unlock()
	for _, l := range ls {
		l.closeBoth()
	}
	p.wg.Wait()
	return nil
}

func TestFakeNetIsANetwork(t *testing.T) { var _ Network = newFakeNet().peer("a") }
