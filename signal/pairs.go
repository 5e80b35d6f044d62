package signal

import (
	"slices"
	"time"
)

// pairsKept bounds the introductions remembered for one member. As many within
// PairAgainAfter make it sit out, so that one member, a seed above all, is not
// handed to a whole join storm.
const pairsKept = 64

// pair is one introduction, remembered on both sides.
type pair struct {
	with    MemberID
	at      time.Time
	settled bool // led to a link, as far as Status tells
}

// acquaintances are the introductions of one member.
type acquaintances struct{ pairs []pair }

// pair notes an introduction, over the oldest when full.
func (m *acquaintances) pair(with MemberID, now time.Time) {
	m.unpair(with)
	if len(m.pairs) == pairsKept {
		m.pairs = slices.Delete(m.pairs, 0, 1)
	}
	m.pairs = append(m.pairs, pair{with: with, at: now})
}

func (m *acquaintances) unpair(with MemberID) {
	m.pairs = slices.DeleteFunc(m.pairs, func(p pair) bool { return p.with == with })
}

func (m *acquaintances) pairedWith(id MemberID) bool {
	return slices.ContainsFunc(m.pairs, func(p pair) bool { return p.with == id })
}

func (m *acquaintances) pairedSince(id MemberID, now time.Time, window time.Duration) bool {
	return slices.ContainsFunc(m.pairs, func(p pair) bool { return p.with == id && now.Sub(p.at) < window })
}

// recent counts introductions within the window.
func (m *acquaintances) recent(now time.Time, window time.Duration) int {
	n := 0
	for i := len(m.pairs) - 1; i >= 0 && now.Sub(m.pairs[i].at) < window; i-- {
		n++
	}
	return n
}

// unsettled counts introductions within the window that may still become links:
// places of the member that are spoken for.
func (m *acquaintances) unsettled(now time.Time, window time.Duration) int {
	n := 0
	for i := len(m.pairs) - 1; i >= 0 && now.Sub(m.pairs[i].at) < window; i-- {
		if !m.pairs[i].settled {
			n++
		}
	}
	return n
}

// settle marks the oldest n unsettled introductions as having become links.
func (m *acquaintances) settle(n int) {
	for i := range m.pairs {
		if n <= 0 {
			return
		}
		if !m.pairs[i].settled {
			m.pairs[i].settled = true
			n--
		}
	}
}
