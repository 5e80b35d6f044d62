package signal

import (
	"net/netip"
	"sync"
	"time"
)

// visitors keeps an account of each household that has connections, or had until
// lately. Server.mu guards the table.
type visitors struct {
	limits  *Limits
	at      map[netip.Addr]*visitor
	sweepAt int
}

// visitor is what one household does. The account outlives its connections until
// the buckets are full again, otherwise hanging up would refill them.
type visitor struct {
	connections int // Server.mu

	mu                     sync.Mutex
	joins, messages, bytes bucket
}

// bucket is a token bucket in 16 bytes. The zero bucket is full.
type bucket struct {
	spent float64 // tokens missing
	at    int64   // ns since 1970 when that was so
}

// take spends n tokens, unless the bucket holds less. A negative rate or burst
// means no limit; more than burst at once never passes.
func (b *bucket) take(now time.Time, n, perSecond, burst int) bool {
	if perSecond < 0 || burst < 0 {
		return true
	}
	spent := b.missing(now, perSecond)
	if spent+float64(n) > float64(burst) {
		return false
	}
	b.spent, b.at = spent+float64(n), now.UnixNano()
	return true
}

func (b *bucket) missing(now time.Time, perSecond int) float64 {
	if perSecond < 0 {
		return 0
	}
	return max(b.spent-max(float64(now.UnixNano()-b.at), 0)/1e9*float64(perSecond), 0)
}

// visitorsMin is the size below which the table is not swept.
const visitorsMin = 1024

// enter counts a connection in; false means that the household has too many.
func (v *visitors) enter(from netip.Addr, now time.Time) (*visitor, bool) {
	home := household(from)
	at := v.at[home]
	if at != nil && exceeded(at.connections+1, v.limits.ConnectionsPerAddress) {
		return nil, false
	}
	if at == nil {
		if len(v.at) >= v.sweepAt {
			v.sweep(now)
		}
		at = new(visitor)
		v.at[home] = at
	}
	at.connections++
	return at, true
}

// leave counts a connection out.
func (v *visitors) leave(from netip.Addr, at *visitor, now time.Time) {
	if at.connections--; at.connections == 0 && at.idle(now, v.limits) {
		delete(v.at, household(from))
	}
}

// sweep drops accounts that say nothing any more; the table then holds at most
// twice what was here within the time that refills a bucket.
func (v *visitors) sweep(now time.Time) {
	for home, at := range v.at {
		if at.connections == 0 && at.idle(now, v.limits) {
			delete(v.at, home)
		}
	}
	v.sweepAt = max(visitorsMin, 2*len(v.at))
}

// idle says whether every bucket is full, as it is for a household unheard of.
func (at *visitor) idle(now time.Time, l *Limits) bool {
	at.mu.Lock()
	defer at.mu.Unlock()
	return at.joins.missing(now, l.JoinsPerSecondPerAddress) == 0 &&
		at.messages.missing(now, l.MessagesPerSecondPerAddress) == 0 &&
		at.bytes.missing(now, l.BytesPerSecondPerAddress) == 0
}

// join says whether the household may join once more.
func (at *visitor) join(now time.Time, l *Limits) bool {
	at.mu.Lock()
	defer at.mu.Unlock()
	return at.joins.take(now, 1, l.JoinsPerSecondPerAddress, l.JoinBurstPerAddress)
}

// charge takes one message of n bytes.
func (at *visitor) charge(now time.Time, n int, l *Limits) bool {
	at.mu.Lock()
	defer at.mu.Unlock()
	return at.messages.take(now, 1, l.MessagesPerSecondPerAddress, l.MessageBurstPerAddress) &&
		at.bytes.take(now, n, l.BytesPerSecondPerAddress, l.ByteBurstPerAddress)
}
