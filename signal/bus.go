package signal

import (
	"encoding/hex"
	"time"
)

// Bus carries messages between the servers of a cluster; package cluster has one
// that is NATS. Nobody hears its own messages. Messages of one publisher to one
// subject arrive in order, or not at all.
type Bus interface {
	// Listen starts delivery, from one goroutine of the bus's. Called once, first.
	Listen(deliver func(data []byte))
	// Publish sends data, which it copies, to whoever subscribed to the subject.
	Publish(subject string, data []byte) error
	Subscribe(subject string) error
	Unsubscribe(subject string) error
	// Connected says whether messages go through at the moment.
	Connected() bool
}

// serverID names a server of a cluster for as long as it runs.
type serverID [8]byte

func (id serverID) String() string { return hex.EncodeToString(id[:]) }

// Subjects. Everybody listens to subjectAll and to its own; to a swarm's only while
// it has members of it.
const (
	subjectPrefix = "shoal.1."
	subjectAll    = subjectPrefix + "all"
)

func (id serverID) subject() string { return subjectPrefix + "to." + id.String() }

// swarmSubject takes a blinded name; base64url has no character that NATS reserves.
func swarmSubject(name string) string { return subjectPrefix + "swarm." + name[len(blindPrefix):] }

const (
	// heartbeat is the pause between two signs of life of a server.
	heartbeat = 200 * time.Millisecond
	// deadAfter is how long a server may be silent. A server that was only busy
	// comes back with its next heartbeat.
	deadAfter = time.Second
	// freshAfter is the pause between two samples of a swarm's members.
	freshAfter = 5 * time.Second
	// sampleMembers is how many members one sample names.
	sampleMembers = 32
	// remotesKept bounds the members of other servers known in one swarm.
	remotesKept = 128
	// remoteLives is how long one is known without being named again.
	remoteLives = 6 * freshAfter
	// errandsKept bounds what waits to be published.
	errandsKept = 8192
	// lookupTime is how long the others may take to say where a member is.
	lookupTime = time.Second
	// lookupsKept bounds the members looked for in one swarm, lookupMessages what
	// waits for one of them.
	lookupsKept, lookupMessages = 256, 16
)

// errand is something to be done on the bus, outside of Server.mu.
type errand struct {
	do      func(subject string, data []byte) error
	subject string
	data    []byte
}

// cluster is the server's place among others. Server.mu guards it, the errands
// excepted.
type cluster struct {
	bus     Bus
	id      serverID
	errands chan errand
	others  map[serverID]time.Time // last sign of life
	views   map[uint32]*view       // asked of the others
	telling int                    // of theirs, answers that are being made
}

func (c *cluster) alone() bool { return len(c.others) == 0 }

// later leaves an errand to the goroutine that talks to the bus, in order. A full
// queue drops it: samples are repeated, and signals are lost on every network.
func (s *Server) later(e errand) {
	select {
	case s.cluster.errands <- e:
	default:
		s.metrics.busDropped.Inc()
	}
}

func (s *Server) publish(subject string, data []byte) {
	s.later(errand{s.cluster.bus.Publish, subject, data})
}

// joinCluster starts to live with other servers, if there is a bus.
func (s *Server) joinCluster() {
	if s.cfg.Bus == nil {
		return
	}
	s.cluster = &cluster{bus: s.cfg.Bus, id: newServerID(), errands: make(chan errand, errandsKept), others: make(map[serverID]time.Time)}
	s.cfg.Bus.Listen(s.hearBus)
	subscribe := func(subject string, _ []byte) error { return s.cfg.Bus.Subscribe(subject) }
	s.later(errand{subscribe, subjectAll, nil})
	s.later(errand{subscribe, s.cluster.id.subject(), nil})
	s.tasks.Go(s.runErrands)
	s.tasks.Go(s.beat)
}

// runErrands talks to the bus until the server stops, then says good-bye.
func (s *Server) runErrands() {
	failed := false
	run := func(e errand) {
		err := e.do(e.subject, e.data)
		if err != nil && !failed {
			s.cfg.Log.Warn("the cluster cannot be reached", "err", err)
		}
		failed = err != nil
	}
	for {
		select {
		case e := <-s.cluster.errands:
			run(e)
		case <-s.stop:
			for {
				select {
				case e := <-s.cluster.errands:
					run(e)
					continue
				default:
				}
				run(errand{s.cluster.bus.Publish, subjectAll, busMessage(busBye, s.cluster.id)})
				return
			}
		}
	}
}

// beat gives signs of life, misses those of others, and tells what changed.
func (s *Server) beat() {
	tick := time.NewTicker(heartbeat)
	defer tick.Stop()
	life := busMessage(busAlive, s.cluster.id)
	s.publish(subjectAll, life)
	for {
		select {
		case <-s.stop:
			return
		case now := <-tick.C:
			s.publish(subjectAll, life)
			s.mu.Lock()
			for id, seen := range s.cluster.others {
				if now.Sub(seen) > deadAfter {
					s.lose(id, "no sign of life")
				}
			}
			for _, w := range s.swarms {
				s.tellOthers(w, now)
				s.expire(w, now)
			}
			s.mu.Unlock()
		}
	}
}

// meet notes a sign of life. A server that was unknown is told everything.
func (s *Server) meet(id serverID, now time.Time) {
	_, known := s.cluster.others[id]
	s.cluster.others[id] = now
	if known {
		return
	}
	s.cfg.Log.Info("another server of the cluster", "server", id)
	for _, w := range s.swarms {
		s.greet(w, now)
	}
}

// lose forgets a server and what it told. Its members are not called gone: they
// come back through another server, and their links last.
func (s *Server) lose(id serverID, why string) {
	if _, known := s.cluster.others[id]; !known {
		return
	}
	delete(s.cluster.others, id)
	s.cfg.Log.Warn("lost a server of the cluster", "server", id, "why", why)
	for _, w := range s.swarms {
		if w.elsewhere == nil {
			continue
		}
		delete(w.elsewhere.counts, id)
		for _, r := range w.elsewhere.members {
			if r.server == id {
				s.forgetRemote(w, r)
			}
		}
		s.tellSize(w, time.Now())
	}
}
