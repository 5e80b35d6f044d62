package signalbench

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/shoal-p2p/shoal/signal"
)

// Idle is the memory of members that are joined and silent.
type Idle struct {
	Members        int     `json:"members"`
	Swarms         int     `json:"swarms"`
	Servers        int     `json:"servers"`       // processes they are on
	MemoryBefore   int64   `json:"memory_before"` // bytes resident, with nobody there
	MemoryAfter    int64   `json:"memory_after"`
	BytesPerMember float64 `json:"bytes_per_member"`
	Lost           int     `json:"lost"`
}

// Storm is a wave of joins.
type Storm struct {
	Joins   int     `json:"joins"`
	Errors  int     `json:"errors"`
	First   string  `json:"first_error,omitempty"`
	Seconds float64 `json:"seconds"` // from the first connect to the last Welcome
}

// dialers is how many handshakes are under way at a time.
const dialers = 64

// swell joins n members to the crowd, numbered from first, perSecond at most (0: as
// fast as it goes).
func swell(ctx context.Context, url string, c *crowd, first, n, swarms, perSecond int) Storm {
	s := Storm{Joins: n}
	var next atomic.Int64
	var mu sync.Mutex
	var all sync.WaitGroup
	began := time.Now()
	for range dialers {
		all.Go(func() {
			for ctx.Err() == nil {
				i := int(next.Add(1)) - 1
				if i >= n {
					return
				}
				if perSecond > 0 {
					sleepUntil(ctx, began.Add(time.Duration(i)*time.Second/time.Duration(perSecond)))
				}
				conn, _, err := join(ctx, url, first+i, signal.Join{Swarm: fmt.Sprintf("swarm %d", i%swarms), MaxLinks: 10})
				mu.Lock()
				if err == nil {
					c.add(conn)
				} else if s.Errors++; s.First == "" {
					s.First = err.Error()
				}
				mu.Unlock()
			}
		})
	}
	all.Wait()
	s.Seconds = time.Since(began).Seconds()
	return s
}

func sleepUntil(ctx context.Context, t time.Time) {
	select {
	case <-ctx.Done():
	case <-time.After(time.Until(t)):
	}
}

// settle waits until the memory has not grown and not shrunk by 1 % for some
// seconds, a minute at most (less for few members), and returns it. Nothing is asked of the servers: what
// their own collector leaves is what an operator pays for.
func settle(ctx context.Context, servers []*process, members int) (int64, error) {
	most := min(max(members/500, 4), 60)
	steady := min(most/2, 8)
	last, same := int64(0), 0
	for range most {
		now, err := memoryOf(servers)
		if err != nil {
			return 0, err
		}
		if diff := now - last; diff < last/100 && -diff < last/100 {
			same++
		} else {
			same = 0
		}
		last = now
		if same == steady || ctx.Err() != nil {
			break
		}
		sleepUntil(ctx, time.Now().Add(time.Second))
	}
	return last, ctx.Err()
}

func memoryOf(servers []*process) (sum int64, err error) {
	for _, s := range servers {
		n, err := s.memory()
		if err != nil {
			return 0, err
		}
		sum += n
	}
	return sum, nil
}

// spareFiles are the descriptors of a process that are not members.
const spareFiles = 500

// idle fills servers with members. One process holds as many as it may have files:
// beyond, there are more servers, and the memory of all is counted. The members are
// in processes of their own for the same reason.
func (b *Bench) idle(ctx context.Context) error {
	limit, err := raiseFileLimit(uint64(b.Members + spareFiles))
	if err != nil {
		return err
	}
	each := min(b.Members, int(limit)-spareFiles)
	if each < 1 {
		return fmt.Errorf("%d open files are too few", limit)
	}
	n := (b.Members + each - 1) / each
	storming := min(b.StormJoins, b.Members/n)
	var servers []*process
	for range n {
		s, err := b.server(ctx)
		if err != nil {
			return err
		}
		defer s.stop()
		servers = append(servers, s)
	}
	time.Sleep(time.Second) // until they have started in full
	before, err := memoryOf(servers)
	if err != nil {
		return err
	}
	b.say("join storm: %d members within %d s", storming, stormSeconds)
	began := time.Now()
	storm, crowd, err := b.crowd(ctx, servers[0], 0, storming, storming/stormSeconds)
	if err != nil {
		return err
	}
	defer crowd.stop()
	b.Report.Storm = &storm
	first := storming
	for i, s := range servers {
		share := b.Members * (i + 1) / n
		if share <= first {
			continue
		}
		b.say("idle members: %d to %d on server %d of %d", first, share, i+1, n)
		rest, crowd, err := b.crowd(ctx, s, first, share-first, 0)
		if err != nil {
			return err
		}
		defer crowd.stop()
		if rest.Errors > 0 {
			b.say("%d joins failed, the first: %s", rest.Errors, rest.First)
		}
		first = share
	}
	b.say("waiting until the memory of the servers is steady (%.0f s so far)", time.Since(began).Seconds())
	after, err := settle(ctx, servers, b.Members)
	if err != nil {
		return err
	}
	members := 0
	for _, s := range servers {
		m, err := s.metric("shoal_signal_members")
		if err != nil {
			return err
		}
		members += int(m)
	}
	if members == 0 {
		return fmt.Errorf("nobody could join: %s", storm.First)
	}
	b.Report.Idle = &Idle{Members: members, Swarms: b.Swarms, Servers: n, MemoryBefore: before, MemoryAfter: after,
		BytesPerMember: float64(after-before) / float64(members), Lost: b.Members - members}
	return nil
}

// crowdTimeout is how long a process may take to bring its members in.
const crowdTimeout = 5 * time.Minute

// crowd starts a process of members and waits until they have joined.
func (b *Bench) crowd(ctx context.Context, server *process, first, n, perSecond int) (Storm, *process, error) {
	var s Storm
	p, err := startProcess(ctx, crowdTimeout, "", append(b.Crowd, server.line, fmt.Sprint(first), fmt.Sprint(n), fmt.Sprint(b.Swarms), fmt.Sprint(perSecond))...)
	if err != nil {
		return s, nil, err
	}
	if err := json.Unmarshal([]byte(p.line), &s); err != nil {
		p.stop()
		return s, nil, fmt.Errorf("a process of members said %q: %w", p.line, err)
	}
	return s, p, nil
}

// RunCrowd is such a process: it joins n members, prints how that went, and stays
// until its standard input ends.
func RunCrowd(ctx context.Context, url string, first, n, swarms, perSecond int) error {
	if _, err := raiseFileLimit(uint64(n + spareFiles)); err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() { defer cancel(); io.Copy(io.Discard, os.Stdin) }()
	var c crowd
	defer c.close()
	s := swell(ctx, url, &c, first, n, swarms, perSecond)
	if err := json.NewEncoder(os.Stdout).Encode(s); err != nil {
		return err
	}
	<-ctx.Done()
	return nil
}

// stormSeconds is how long the wave of joins lasts.
const stormSeconds = 5
