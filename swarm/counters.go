package swarm

// Counters are running totals of one brain's decisions.
type Counters struct {
	OriginBytes [CauseNotShareable + 1]int64 // by Cause
	Fetches     [CauseNotShareable + 1]int64
	FetchErrors int64

	Reservations  int64 // received
	OffersSent    int64
	OffersHeard   int64
	Accepts       int64 // sent
	Refusals      int64 // received
	Pushes        int64 // transfers begun for subscribers
	PiecesIn      int64 // fresh, from peers
	PiecesOrigin  int64 // fresh, from the origin
	PiecesTwice   int64 // came although held
	PiecesOut     int64
	Stolen        int64 // pieces asked of a second source
	Overtaken     int64 // pushes given up because others had the pieces first
	Stalls        int64 // sources replaced because they sent nothing
	Audits        int64 // of neighbours that were silent with pieces owed
	LetDowns      int64 // of those that they did not pass
	Bans          int64
	Conflicts     int64
	Forwards      int64
	ForwardsCut   int64 // not relayed: over the limit, or not allowed
	Trials        int64 // neighbours connected to find out whether they are better
	Evictions     int64 // neighbours let go because they are poor, or a better one was found
	Completed     int64 // segments made whole here
	CompletedPeer int64 // of them without one origin byte
}

// Sizes are the lengths of the brain's tables, for invariants and metrics.
type Sizes struct {
	Items, Tracks, Links, Pending, Candidates, Banned int
	Reservations, Haves, Inbound, Outbound            int
}

// Sizes counts the tables.
func (c *Core) Sizes() Sizes {
	s := Sizes{Items: len(c.items), Tracks: len(c.tracks), Links: len(c.links), Pending: len(c.pend),
		Candidates: len(c.cands.list), Banned: len(c.banned.order)}
	for _, p := range c.links {
		s.Reservations += len(p.reserved)
		s.Haves += len(p.haves.order)
		s.Inbound += len(p.sources)
		s.Outbound += len(p.outbound)
	}
	return s
}
