package segments

import (
	"fmt"
	"slices"
)

// View is one swarm's part of a Store. Views of the same swarm show the same
// segments.
type View struct {
	store *Store
	swarm string
}

// Swarm is the name the view was made with.
func (v *View) Swarm() string { return v.swarm }

// Put keeps seg under seg.Key, replacing what was there. With a directory it
// returns when the segment is on disk, so call it where waiting is allowed. It
// returns ErrPrivate for one that must not be shared, ErrTooLarge for one that
// fits neither tier, ErrClosed, or the disk's error; after the disk's error the
// memory tier has the segment all the same.
func (v *View) Put(seg *Segment) error {
	s, id := v.store, entryID{v.swarm, seg.Key}
	if err := seg.Key.Validate(); err != nil {
		return err
	}
	switch {
	case len(v.swarm) > MaxSwarmLength:
		return fmt.Errorf("%w: swarm name of %d bytes, the limit is %d", ErrTooLarge, len(v.swarm), MaxSwarmLength)
	case !seg.Meta.Shareable:
		return fmt.Errorf("%w: %s: its Cache-Control is private or no-store", ErrPrivate, seg.Key)
	case s.isClosed():
		return ErrClosed
	}
	dropped, inMemory := s.memory.put(id, seg)
	var err error
	onDisk := false
	if s.disk != nil {
		var droppedDisk []entryID
		droppedDisk, onDisk, err = s.disk.put(id, seg)
		dropped = append(dropped, droppedDisk...)
	}
	s.evicted.Add(int64(s.lost(dropped)))
	if err == nil && !inMemory && !onDisk {
		err = fmt.Errorf("%w: %s of %d bytes fits neither the memory nor the disk tier; raise their limits", ErrTooLarge, seg.Key, seg.Size)
	}
	return err
}

// Get returns the segment under key. One that is only on disk is read, verified
// against its digest and promoted to memory; when it does not verify it is
// removed and reported as absent.
func (v *View) Get(key Key) (*Segment, bool) {
	s, id := v.store, entryID{v.swarm, key}
	if seg, ok := s.memory.get(id); ok {
		s.hits.Add(1)
		if s.disk != nil {
			s.disk.touch(id)
		}
		return seg, true
	}
	if s.disk != nil {
		seg, damaged := s.disk.get(id)
		if seg != nil {
			s.hits.Add(1)
			s.diskHits.Add(1)
			dropped, _ := s.memory.put(id, seg)
			s.evicted.Add(int64(s.lost(dropped)))
			return seg, true
		}
		s.corrupt.Add(int64(len(damaged)))
		s.lost(damaged)
	}
	s.misses.Add(1)
	return nil, false
}

// Has reports whether key is in either tier. On disk that is not verified yet.
func (v *View) Has(key Key) bool { return v.store.has(entryID{v.swarm, key}) }

// Delete removes key from both tiers.
func (v *View) Delete(key Key) {
	id := entryID{v.swarm, key}
	v.store.memory.remove(id)
	if v.store.disk != nil {
		v.store.disk.remove(id)
	}
}

// Keys lists what either tier has, sorted.
func (v *View) Keys() []Key {
	keys := v.store.memory.keys(v.swarm)
	if v.store.disk != nil {
		keys = append(keys, v.store.disk.keys(v.swarm)...)
	}
	slices.Sort(keys)
	return slices.Compact(keys)
}

// OnEvict has f called for each key that is gone from both tiers, because room
// was needed or the disk's content was damaged; not for Delete. It is called by
// whoever called Put or Get, without locks, and must not block; if the key can
// be put again meanwhile, ask Has. stop ends it.
func (v *View) OnEvict(f func(Key)) (stop func()) {
	s, listener := v.store, &f
	s.mu.Lock()
	defer s.mu.Unlock()
	s.listeners[v.swarm] = append(s.listeners[v.swarm], listener)
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		rest := slices.DeleteFunc(slices.Clone(s.listeners[v.swarm]), func(l *func(Key)) bool { return l == listener })
		if len(rest) == 0 {
			delete(s.listeners, v.swarm)
		} else {
			s.listeners[v.swarm] = rest
		}
	}
}
