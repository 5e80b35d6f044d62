package dash

import (
	"math"
	"strconv"

	"github.com/Eyevinn/dash-mpd/mpd"
)

// A day of live MPD holds hundreds of thousands of S elements. The mpd package
// spends 4 µs of reflection and 150 bytes on each, over and over with every
// refresh, which is nearly all the time that reading an MPD takes. tidy meets
// them anyway: it reads them into entries and takes them out of the document,
// leaving one <S n="i"/> that says which list of entries belongs there.

// entry is one S element (ISO/IEC 23009-1 §5.3.9.6).
type entry struct {
	time   uint64
	length uint64
	repeat int64
	timed  bool
	more   *entryMore // nil for most
}

// entryMore holds what few S elements have.
type entryMore struct {
	number   uint64 // @n
	numbered bool
	subs     uint64 // @k, 0: not given
	pattern  uint64 // @p
	entered  uint64 // @pE
	patterns bool
}

// set takes one attribute of an S. Values that are no integers are left out.
func (e *entry) set(name, val []byte) {
	n, ok := parseEntryValue(val)
	if !ok {
		return
	}
	extra := func() *entryMore {
		if e.more == nil {
			e.more = &entryMore{}
		}
		return e.more
	}
	positive := uint64(max(n, 0))
	if n == math.MaxInt64 {
		positive = math.MaxUint64
	}
	switch string(name) {
	case "t":
		e.time, e.timed = positive, n >= 0
	case "d":
		e.length = positive
	case "r":
		e.repeat = n
	case "n":
		m := extra()
		m.number, m.numbered = positive, true
	case "k":
		extra().subs = positive
	case "p":
		m := extra()
		m.pattern, m.patterns = positive, true
	case "pE":
		extra().entered = positive
	}
}

func parseEntryValue(val []byte) (int64, bool) {
	if len(val) == 0 || len(val) > 18 {
		return integerOf(trimmed(val))
	}
	var n int64
	for _, c := range val {
		if c < '0' || c > '9' {
			return integerOf(trimmed(val))
		}
		n = n*10 + int64(c-'0')
	}
	return n, true
}

func (t *tidier) timelineStart() {
	t.cut(t.pos, t.pos, `<S n="`+strconv.Itoa(len(t.done.entries))+`"/>`)
	t.done.entries = append(t.done.entries, nil)
}

func (t *tidier) addEntry(e entry) {
	last := len(t.done.entries) - 1
	t.done.entries[last] = append(t.done.entries[last], e)
}

// entriesOf returns what tidy took out of a SegmentTimeline.
func entriesOf(tl *mpd.SegmentTimelineType, all [][]entry) []entry {
	if len(tl.S) == 0 || tl.S[0] == nil || tl.S[0].N == nil || *tl.S[0].N >= uint64(len(all)) {
		return nil
	}
	return all[*tl.S[0].N]
}
