package signal

import (
	"bytes"
	"cmp"
	"compress/gzip"
	"context"
	"encoding/binary"
	"encoding/json"
	"io"
	"math/rand/v2"
	"slices"
	"time"
)

const (
	// viewTime is how long other servers may take to tell of their members.
	viewTime = time.Second
	// viewPart is how much of a view one message carries; NATS takes a megabyte.
	viewPart = 512 << 10
	// viewParts bounds one server's view, viewBytes what it unfolds to.
	viewParts, viewBytes = 32, 64 << 20
	// viewsAsked bounds what is asked of the others at a time, viewsTold what is told.
	viewsAsked, viewsTold = 16, 4
)

// view is a question to the other servers about a swarm.
type view struct {
	missing map[serverID]*parcel // by whom it is not answered yet
	whole   chan []byte          // an answer
}

// parcel is an answer that comes in parts, in order.
type parcel struct{ data []byte }

// Everywhere is Swarm for all servers of the cluster: members and links of all, byte
// counts added up. A server that does not answer in time is left out, and so is one
// whose view is larger than a swarm should be. The history is of this server, or of
// the one with the most members where none is here.
func (s *Server) Everywhere(ctx context.Context, name string) (SwarmState, bool) {
	state, ok := s.Swarm(name)
	number, v := s.askAround(Blind(name))
	if v == nil {
		return state, ok
	}
	defer s.asked(number)
	ctx, cancel := context.WithTimeout(ctx, viewTime)
	defer cancel()
	all := []SwarmState{}
	if ok {
		all = append(all, state)
	}
	for range cap(v.whole) {
		select {
		case b := <-v.whole:
			if other, err := unfold(b); err == nil && len(other.Peers) > 0 {
				all = append(all, other)
			}
			continue
		case <-ctx.Done():
		case <-s.stop:
		}
		break
	}
	if len(all) == 0 {
		return state, false
	}
	if !ok {
		slices.SortStableFunc(all, func(a, b SwarmState) int { return b.Summary.Here - a.Summary.Here })
	}
	return together(all), true
}

// askAround asks all other servers, nil when there are none, or too many questions.
func (s *Server) askAround(name string) (uint32, *view) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.cluster
	if c == nil || c.alone() || len(c.views) >= viewsAsked {
		return 0, nil
	}
	v := &view{missing: make(map[serverID]*parcel), whole: make(chan []byte, len(c.others))}
	for id := range c.others {
		v.missing[id] = new(parcel)
	}
	number := rand.Uint32()
	if c.views == nil {
		c.views = make(map[uint32]*view)
	}
	c.views[number] = v
	b := binary.BigEndian.AppendUint32(busMessage(busView, c.id), number)
	s.publish(subjectAll, appendSwarm(b, name))
	return number, v
}

func (s *Server) asked(number uint32) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.cluster.views, number)
}

// hearView answers a question, in its own time: it takes the swarm apart under the
// lock for reading.
func (s *Server) hearView(from serverID, r *busReader) error {
	number, name := r.u32(), r.swarm()
	if r.short || s.stopped || s.cluster.telling >= viewsTold {
		return nil
	}
	s.cluster.telling++
	s.tasks.Go(func() {
		s.tellView(from, number, name)
		s.mu.Lock()
		defer s.mu.Unlock()
		s.cluster.telling--
	})
	return nil
}

func (s *Server) tellView(to serverID, number uint32, name string) {
	var data []byte
	if state, ok := s.Swarm(name); ok {
		data = fold(state)
	}
	parts := max(1, (len(data)+viewPart-1)/viewPart)
	if parts > viewParts {
		data, parts = nil, 1
	}
	for i := range parts {
		b := binary.BigEndian.AppendUint32(busMessage(busSeen, s.cluster.id), number)
		b = append(b, byte(i), byte(parts))
		s.publish(to.subject(), append(b, data[min(i*viewPart, len(data)):min((i+1)*viewPart, len(data))]...))
	}
}

// hearSeen takes in a part of an answer.
func (s *Server) hearSeen(from serverID, r *busReader) error {
	number, part, parts := r.u32(), r.u8(), r.u8()
	v := s.cluster.views[number]
	if r.short || v == nil || v.missing[from] == nil || parts > viewParts || len(r.b) > viewPart {
		return nil
	}
	p := v.missing[from]
	if int(part)*viewPart != len(p.data) { // one was lost
		delete(v.missing, from)
		return nil
	}
	p.data = append(p.data, r.b...)
	if part+1 == parts {
		delete(v.missing, from)
		v.whole <- p.data // there is room for one of each
	}
	return nil
}

func fold(state SwarmState) []byte {
	var out bytes.Buffer
	z := gzip.NewWriter(&out)
	if json.NewEncoder(z).Encode(state) != nil || z.Close() != nil {
		return nil
	}
	return out.Bytes()
}

func unfold(b []byte) (state SwarmState, err error) {
	z, err := gzip.NewReader(bytes.NewReader(b))
	if err != nil {
		return state, err
	}
	return state, json.NewDecoder(io.LimitReader(z, viewBytes)).Decode(&state)
}

// together makes one state of several, the first of which gives name and history.
func together(all []SwarmState) SwarmState {
	sum := all[0]
	peers := make(map[string]PeerState)
	links := make(map[[2]string]LinkState)
	sum.Summary.Here, sum.Summary.Seeds, sum.Summary.Reporting = 0, 0, 0
	sum.Summary.OriginBytes, sum.Summary.PeerBytes, sum.Summary.SentBytes, sum.Summary.Stalls = 0, 0, 0, 0
	sum.Summary.OriginRate, sum.Summary.PeerRate = 0, 0
	for _, state := range all {
		one := state.Summary
		sum.Summary.Seeds += one.Seeds
		sum.Summary.Reporting += one.Reporting
		sum.Summary.OriginBytes += one.OriginBytes
		sum.Summary.PeerBytes += one.PeerBytes
		sum.Summary.SentBytes += one.SentBytes
		sum.Summary.Stalls += one.Stalls
		sum.Summary.OriginRate += one.OriginRate
		sum.Summary.PeerRate += one.PeerRate
		sum.Summary.Members = max(sum.Summary.Members, one.Members)
		for _, p := range state.Peers {
			// Who moves is on two servers for a moment.
			if old, twice := peers[p.ID]; !twice || p.Since.After(old.Since) {
				peers[p.ID] = p
			}
		}
		for _, l := range state.Links {
			ends := [2]string{l.A, l.B}
			old := links[ends]
			l.AB, l.BA, l.RTT = max(l.AB, old.AB), max(l.BA, old.BA), cmp.Or(l.RTT, old.RTT)
			links[ends] = l
		}
	}
	sum.Summary.Here = len(peers)
	sum.Summary.Offload = share(sum.Summary.PeerBytes, sum.Summary.OriginBytes)
	sum.Peers, sum.Links = make([]PeerState, 0, len(peers)), make([]LinkState, 0, len(links))
	for _, p := range peers {
		sum.Peers = append(sum.Peers, p)
	}
	for _, l := range links {
		_, a := peers[l.A]
		_, b := peers[l.B]
		l.Elsewhere = !a || !b
		sum.Links = append(sum.Links, l)
	}
	slices.SortFunc(sum.Peers, func(a, b PeerState) int { return cmp.Compare(a.ID, b.ID) })
	slices.SortFunc(sum.Links, func(a, b LinkState) int { return cmp.Or(cmp.Compare(a.A, b.A), cmp.Compare(a.B, b.B)) })
	return sum
}
