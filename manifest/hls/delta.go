package hls

import (
	"fmt"
	"slices"
)

// skip reads EXT-X-SKIP (RFC 8216bis §4.4.5.2). With the playlist that the
// update was asked against at hand, the skipped segments are taken from it, so
// that what follows in the document (EXT-X-MAP in force, byte ranges without
// an offset) continues from the right place. Nothing is ever allocated by the
// count: without a base only the numbering moves on.
func (l *lexer) skip(value []byte) error {
	m := l.asMedia()
	a, err := l.attributes(value)
	if err != nil {
		return err
	}
	n, err := l.integer("SKIPPED-SEGMENTS", a.get("SKIPPED-SEGMENTS"))
	if err != nil {
		return err
	}
	if n > 1<<62 || m.skipBase > 1<<62 {
		return fmt.Errorf("%w: %d skipped segments", ErrLimit, n)
	}
	m.skipBase += n
	m.skipped = m.skipBase
	if n == 0 || len(m.entries) > 0 || m.pending.duration != nil {
		return nil
	}
	if l.ctx.base != nil && m.adopt(l.ctx.base, n) {
		m.skipped = 0
		return nil
	}
	l.doc.notes.add(l.line, "a delta update: %d segments before the first listed one are not known", n)
	return nil
}

// adopt takes the n segments from m.sequence on over from base. It reports
// false, changing nothing, when base does not have them all.
func (m *mediaDraft) adopt(base *media, n uint64) bool {
	if len(base.entries) == 0 || m.sequence < base.entries[0].number || n > uint64(len(base.entries)) {
		return false
	}
	from := m.sequence - base.entries[0].number
	if from > uint64(len(base.entries))-n {
		return false
	}
	old := base.entries[from : from+n]
	if old[0].number != m.sequence || old[n-1].number != m.sequence+n-1 || len(base.inits) > MaxInits {
		return false
	}
	// Room for as many new ones as the base has beyond the adopted ones.
	m.entries = append(make([]entry, 0, len(base.entries)+64), old...)
	m.inits = slices.Clone(base.inits)
	m.known = make(map[section]int32, len(m.inits))
	for i, s := range m.inits {
		m.known[s] = int32(i)
	}
	moved := base.resolver.dir != m.resolver.dir
	if moved {
		clear(m.known)
		for i := range m.inits {
			m.inits[i].uri = base.resolver.resolve(m.inits[i].uri)
			m.known[m.inits[i]] = int32(i)
		}
	}
	origin := old[0].start
	for i := range m.entries {
		e := &m.entries[i]
		e.start -= origin
		e.partFrom, e.partTo = 0, 0
		if moved {
			e.uri = base.resolver.resolve(e.uri)
		}
	}
	last := &m.entries[n-1]
	m.init = last.init
	m.carry = rangeCarry{next: -1}
	if !last.span.isWhole() {
		m.carry = rangeCarry{last.uri, last.span.last + 1}
	}
	m.keyURIs = slices.Clone(base.keyURIs)
	m.encrypted, m.protected = base.encrypted, base.protected
	m.fresh = len(m.entries)
	return true
}
