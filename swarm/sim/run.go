package sim

import (
	"fmt"

	"github.com/shoal-p2p/shoal/swarm"
)

// Run lets a swarm live for Config.Duration of virtual time. The error wraps
// ErrInvariant when something happened that must never happen; the report is
// complete then too.
func Run(cfg Config) (Report, error) {
	return simulate(cfg, func(c swarm.Config) (brain, error) { return swarm.New(c) })
}

func simulate(cfg Config, think func(swarm.Config) (brain, error)) (Report, error) {
	cfg = cfg.populate()
	if err := cfg.validate(); err != nil {
		return Report{}, err
	}
	trial := cfg.Brain
	trial.ID = "trial"
	if _, err := swarm.New(trial); err != nil {
		return Report{}, fmt.Errorf("sim: %w", err)
	}
	w := newWorld(cfg, think)
	w.run()
	if w.stopped != nil {
		return w.report(), w.stopped
	}
	w.balance()
	w.started()
	return w.report(), w.err()
}
