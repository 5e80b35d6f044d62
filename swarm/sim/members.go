package sim

import (
	"fmt"
	"slices"
	"strconv"
	"time"
)

// Member is a peer that a Config describes by itself, to simulate a set-up that
// exists, such as a dozen hosts of a test network.
type Member struct {
	Up, Down  int64         // bit/s; Down 0: Config.Downlink, for a seed its SeedLink
	Joins     time.Duration // when it comes
	Seed      bool
	Symmetric bool // behind a NAT of the kind that cannot connect to another of its kind
	Corrupt   bool // every piece it sends is wrong
}

// Path is what lies between two Members, by their places in Config.Members.
// Without one it follows from Config.RTTMin to Loss.
type Path struct {
	A, B int
	RTT  time.Duration // both ways together, 0: as without a Path
	Loss float64       // share of packets, in place of Config.Loss
	Rate int64         // bit/s in each direction, besides what the peers' own lines carry; 0: no limit
}

// maxMembers bounds Config.Members: past it Uplinks describe a swarm better.
const maxMembers = 4096

// members counts those that are seeds, and those that are not.
func (c *Config) members() (viewers, seeds int) {
	for _, m := range c.Members {
		if m.Seed {
			seeds++
		} else {
			viewers++
		}
	}
	return viewers, seeds
}

func (c *Config) checkMembers(check func(ok bool, format string, args ...any)) {
	check(len(c.Members) <= maxMembers, "%d members: the limit is %d", len(c.Members), maxMembers)
	for i, m := range c.Members {
		check(m.Up >= 0 && m.Down >= 0 && m.Joins >= 0, "member %d: %+v: want nothing negative", i, m)
	}
	for _, p := range c.Paths {
		check(p.A >= 0 && p.B >= 0 && p.A < len(c.Members) && p.B < len(c.Members) && p.A != p.B,
			"path %d–%d: want two of the %d members", p.A, p.B, len(c.Members))
		check(p.RTT >= 0 && p.Loss >= 0 && p.Loss < 0.5 && p.Rate >= 0,
			"path %d–%d: want rtt ≥ 0, 0 ≤ loss < 0.5, rate ≥ 0", p.A, p.B)
	}
}

// path is what lies between two peers.
func (w *world) path(p, o *peer) Path {
	if p.member >= 0 && o.member >= 0 {
		i := slices.IndexFunc(w.cfg.Paths, func(x Path) bool {
			return x.A == p.member && x.B == o.member || x.A == o.member && x.B == p.member
		})
		if i >= 0 {
			x := w.cfg.Paths[i]
			or(&x.RTT, w.geo.rtt(p.place, o.place))
			return x
		}
	}
	return Path{RTT: w.geo.rtt(p.place, o.place), Loss: w.cfg.Loss}
}

// addMember: member 8M 50M [at 2s] [seed] [symmetric] [corrupt]
func addMember(c *Config, args []string) error {
	var m Member
	if len(args) < 2 {
		return fmt.Errorf("want UP DOWN [at TIME] [seed] [symmetric] [corrupt]")
	}
	var err error
	if m.Up, err = parseRate(args[0]); err != nil {
		return err
	}
	if m.Down, err = parseRate(args[1]); err != nil {
		return err
	}
	for rest := args[2:]; len(rest) > 0; rest = rest[1:] {
		switch {
		case rest[0] == "seed":
			m.Seed = true
		case rest[0] == "symmetric":
			m.Symmetric = true
		case rest[0] == "corrupt":
			m.Corrupt = true
		case rest[0] == "at" && len(rest) > 1:
			rest = rest[1:]
			if m.Joins, err = time.ParseDuration(rest[0]); err != nil {
				return err
			}
		default:
			return fmt.Errorf("want at TIME, seed, symmetric or corrupt, not %q", rest[0])
		}
	}
	c.Members = append(c.Members, m)
	return nil
}

// addPath: path 0 3 [rtt 40ms] [loss 1%] [rate 5M]
func addPath(c *Config, args []string) error {
	if len(args) < 2 || len(args)%2 != 0 {
		return fmt.Errorf("want A B [rtt TIME] [loss SHARE] [rate RATE]")
	}
	var p Path
	var err error
	if p.A, err = strconv.Atoi(args[0]); err != nil {
		return err
	}
	if p.B, err = strconv.Atoi(args[1]); err != nil {
		return err
	}
	p.Loss = c.Loss
	for rest := args[2:]; len(rest) > 0; rest = rest[2:] {
		switch rest[0] {
		case "rtt":
			p.RTT, err = time.ParseDuration(rest[1])
		case "loss":
			p.Loss, err = parseShare(rest[1])
		case "rate":
			p.Rate, err = parseRate(rest[1])
		default:
			err = fmt.Errorf("want rtt, loss or rate, not %q", rest[0])
		}
		if err != nil {
			return err
		}
	}
	c.Paths = append(c.Paths, p)
	return nil
}
