package swarm

import "time"

// Every table a peer can grow from outside has a cap.
const (
	MaxReservations = 512  // keys one neighbour may have reserved here at a time
	MaxHaves        = 8192 // keys remembered as held by one neighbour
	MaxRun          = 1024 // keys in one Run of a Have
	MaxOffers       = 64   // sources remembered for one key
	MaxOutbound     = 64   // transfers to one neighbour at a time
	MaxSubscribed   = 32   // tracks one neighbour may subscribe to
	MaxBanned       = 1024 // banned peers remembered, oldest forgotten first
	MaxCandidates   = 256  // introduced peers remembered
	MaxNeighbours   = 64   // of one neighbour, from its Peers
	MaxHops         = 32   // longest chain from the origin that is accepted
	MaxPieces       = 4096 // of a segment: 64 MiB
	MaxTracks       = 4096 // whose parents are remembered

	// ReservationLife is how long after its due time a reservation is kept.
	ReservationLife = 10 * time.Second

	// What one neighbour can make this peer relay, in Forwards: an attempt is one
	// description of a few KiB and up to 20 candidates. See allowance.
	forwardBurst, forwardsPerSecond = 64, 20
	// What all of them together can.
	relayBurst, relaysPerSecond = 256, 80
	// How many Peers messages of one neighbour are read.
	listBurst, listsPerSecond = 64, 4
)

// recent is a set that forgets its oldest members past a cap.
type recent[T comparable] struct {
	cap   int
	set   map[T]struct{}
	order []T
}

func newRecent[T comparable](cap int) *recent[T] {
	return &recent[T]{cap: cap, set: map[T]struct{}{}}
}

func (r *recent[T]) add(v T) {
	if _, ok := r.set[v]; ok {
		return
	}
	if len(r.order) == r.cap {
		delete(r.set, r.order[0])
		r.order = append(r.order[:0], r.order[1:]...)
	}
	r.set[v] = struct{}{}
	r.order = append(r.order, v)
}

func (r *recent[T]) remove(v T) {
	if _, ok := r.set[v]; !ok {
		return
	}
	delete(r.set, v)
	for i, o := range r.order {
		if o == v {
			r.order = append(r.order[:i], r.order[i+1:]...)
			return
		}
	}
}

func (r *recent[T]) has(v T) bool { _, ok := r.set[v]; return ok }
