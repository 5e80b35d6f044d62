package swarm

// Core is the brain of one peer.
type Core struct {
	cfg Config
}

// New makes a brain.
func New(cfg Config) (*Core, error) {
	cfg = cfg.populate()
	if err := cfg.validate(); err != nil {
		return nil, err
	}
	return &Core{cfg: cfg}, nil
}

// Handle takes one input at a time that must not go backwards.
func (c *Core) Handle(now Time, in Input) {}

// Drain returns the effects of all inputs since the last call, in order. The
// slice is valid until the next Handle.
func (c *Core) Drain() []Effect { return nil }

// Next says when Handle wants a Tick, and why. ok is false when nothing is due.
func (c *Core) Next() (at Time, why Reason, ok bool) { return 0, 0, false }

// Reason is why a Tick is wanted.
type Reason int
