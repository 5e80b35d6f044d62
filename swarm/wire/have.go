package wire

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/tinylib/msgp/msgp"

	"github.com/shoal-p2p/shoal/swarm"
)

// have: [[[key, count], …] gained, [[key, count], …] lost]

func appendHave(b []byte, m swarm.Have) []byte {
	b = msgp.AppendArrayHeader(b, 2)
	b = appendRuns(b, m.Gained)
	return appendRuns(b, m.Lost)
}

func appendRuns(b []byte, runs []swarm.Run) []byte {
	b = msgp.AppendArrayHeader(b, uint32(len(runs)))
	for _, r := range runs {
		b = msgp.AppendArrayHeader(b, 2)
		b = msgp.AppendString(b, string(r.Key))
		b = appendNumber(b, int64(r.Count))
	}
	return b
}

func parseHave(f *fields) swarm.Message {
	run := func(f *fields) swarm.Run { return inner(f, parseRun) }
	m := swarm.Have{
		Gained: list(f, "gained", MaxRuns, run),
		Lost:   list(f, "lost", MaxRuns, run),
	}
	total := 0
	for _, runs := range [][]swarm.Run{m.Gained, m.Lost} {
		for _, r := range runs {
			total += r.Count
		}
	}
	if total > MaxRunSegments {
		f.fail("gained and lost", fmt.Errorf("%d segments, the limit is %d", total, MaxRunSegments))
	}
	return m
}

func parseRun(f *fields) swarm.Run {
	r := swarm.Run{Key: f.key("key"), Count: int(f.number("count", 1, MaxRunSegments))}
	if f.err == nil && r.Count > 1 {
		if err := checkRun(r); err != nil {
			f.fail("count", err)
		}
	}
	return r
}

// checkRun reports why r cannot stand for consecutive numbers.
func checkRun(r swarm.Run) error {
	last := string(r.Key)[strings.LastIndexByte(string(r.Key), '/')+1:]
	n, err := strconv.ParseUint(last, 10, 64)
	if err != nil || strconv.FormatUint(n, 10) != last {
		return fmt.Errorf("%d for key %q, whose last component is not a number", r.Count, string(r.Key))
	}
	if n > math.MaxUint64-uint64(r.Count) {
		return fmt.Errorf("%d segments from number %d overflow", r.Count, n)
	}
	return nil
}
