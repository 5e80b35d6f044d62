package hls

import (
	"fmt"
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
	if old[0].number != m.sequence || old[n-1].number != m.sequence+n-1 {
		return false
	}
	if !m.adoptInits(base, old) {
		return false
	}
	m.entries = append(make([]entry, 0, len(base.entries)+64), old...)
	moved := base.resolver.dir != m.resolver.dir
	for i := range m.entries {
		e := &m.entries[i]
		e.start -= old[0].start
		e.partFrom, e.partTo = 0, 0
		if e.init >= 0 {
			e.init = m.adopted[e.init]
		}
		if moved {
			e.uri = base.resolver.resolve(e.uri)
		}
	}
	last := &m.entries[n-1]
	if m.init < 0 {
		m.init = last.init // none in this document before EXT-X-SKIP
	}
	m.carry = rangeCarry{next: -1}
	if !last.span.isWhole() {
		m.carry = rangeCarry{last.uri, last.span.last + 1}
	}
	m.encrypted, m.protected = m.encrypted || base.encrypted, m.protected || base.protected
	m.adoptKeys(base)
	m.fresh = len(m.entries)
	return true
}

// adoptInits takes over the sections that the adopted entries use, and no
// others: a stream that never ends must not keep all it ever had.
func (m *mediaDraft) adoptInits(base *media, entries []entry) bool {
	moved := base.resolver.dir != m.resolver.dir
	m.adopted = make([]int32, len(base.inits))
	for i := range m.adopted {
		m.adopted[i] = -1
	}
	for i := range entries {
		old := entries[i].init
		if old < 0 || m.adopted[old] >= 0 {
			continue
		}
		s := base.inits[old]
		if moved {
			s.uri = base.resolver.resolve(s.uri)
		}
		index, err := m.addInit(s)
		if err != nil {
			return false
		}
		m.adopted[old] = index
	}
	return true
}

// adoptKeys takes over the newest keys. Which segment needs which is not kept,
// so half of what may be held is for them and half for the document's own.
func (m *mediaDraft) adoptKeys(base *media) {
	for _, uri := range base.keyURIs[max(0, len(base.keyURIs)-MaxKeys/2):] {
		if base.resolver.dir != m.resolver.dir {
			uri = base.resolver.resolve(uri)
		}
		if m.keys == nil {
			m.keys = make(map[string]bool)
		}
		if uri != "" && !m.keys[uri] && len(m.keyURIs) < MaxKeys {
			m.keys[uri] = true
			m.keyURIs = append(m.keyURIs, uri)
		}
	}
}
