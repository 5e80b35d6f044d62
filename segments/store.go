package segments

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
)

const (
	// DefaultMemoryBytes is StoreConfig.MemoryBytes when that is 0.
	DefaultMemoryBytes = 256 << 20
	// DefaultDiskBytes is StoreConfig.DiskBytes when that is 0.
	DefaultDiskBytes = 4 << 30
	// MaxSwarmLength is the longest swarm name, in bytes, that is stored.
	MaxSwarmLength = 4096
)

var (
	// ErrPrivate says that a segment's Cache-Control forbids keeping it.
	ErrPrivate = errors.New("segments: must not be stored")
	// ErrClosed says that the store was closed.
	ErrClosed = errors.New("segments: store is closed")
	// ErrLocked says that another process, or another Store, has the directory.
	ErrLocked = errors.New("segments: directory is in use")
)

// StoreConfig sizes a Store. The zero value keeps 256 MiB in memory.
type StoreConfig struct {
	// MemoryBytes bounds the memory tier, counting what each segment really
	// holds (Segment.Weight). Default DefaultMemoryBytes. More keeps longer
	// stretches servable without touching the disk.
	MemoryBytes int64
	// Dir is the disk tier's directory, made when missing; empty for none. One
	// Store at a time may use it (ErrLocked).
	Dir string
	// DiskBytes bounds the sum of the sizes of the files in Dir, at every moment
	// and after a restart with a smaller value. Default DefaultDiskBytes.
	DiskBytes int64
}

func (c StoreConfig) populate() StoreConfig {
	if c.MemoryBytes == 0 {
		c.MemoryBytes = DefaultMemoryBytes
	}
	if c.DiskBytes == 0 {
		c.DiskBytes = DefaultDiskBytes
	}
	return c
}

func (c StoreConfig) validate() error {
	if c.MemoryBytes < 0 || c.DiskBytes < 0 {
		return fmt.Errorf("segments: MemoryBytes %d and DiskBytes %d must not be negative", c.MemoryBytes, c.DiskBytes)
	}
	return nil
}

// Store keeps whole segments of any number of swarms, each seen through a View.
// Every segment goes to both tiers; each tier drops what was used longest ago.
// It is safe for concurrent use and owns no goroutine: disk work is done by the
// caller.
type Store struct {
	memory *memoryTier
	disk   *diskTier // nil without a directory

	mu        sync.Mutex
	closed    bool
	listeners map[string][]*func(Key)

	hits, diskHits, misses, evicted, corrupt atomic.Int64
}

// entryID names a stored segment.
type entryID struct {
	swarm string
	key   Key
}

// StoreStats describes a Store. Sizes are in bytes, counters since OpenStore.
type StoreStats struct {
	MemoryBytes    int64
	MemorySegments int
	DiskBytes      int64
	DiskSegments   int // entries; equal contents are stored once
	DiskContents   int
	Hits           int64 // Gets answered, from either tier
	DiskHits       int64 // of these from disk
	Misses         int64
	Evicted        int64 // gone from both tiers to make room
	Corrupt        int64 // gone from disk because the content did not verify
}

// OpenStore opens the tiers. It verifies nothing: contents found on disk are
// checked when they are first asked for.
func OpenStore(c StoreConfig) (*Store, error) {
	c = c.populate()
	if err := c.validate(); err != nil {
		return nil, err
	}
	memory, err := newMemoryTier(c.MemoryBytes)
	if err != nil {
		return nil, err
	}
	s := &Store{memory: memory, listeners: make(map[string][]*func(Key))}
	if c.Dir != "" {
		if s.disk, err = openDiskTier(c.Dir, c.DiskBytes); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// Close waits for disk work under way and gives the directory back. Views are
// then empty and Put returns ErrClosed.
func (s *Store) Close() error {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return nil
	}
	s.closed = true
	s.mu.Unlock()
	s.memory.clear()
	if s.disk == nil {
		return nil
	}
	return s.disk.close()
}

// Stats returns a snapshot.
func (s *Store) Stats() StoreStats {
	st := StoreStats{
		Hits: s.hits.Load(), DiskHits: s.diskHits.Load(), Misses: s.misses.Load(),
		Evicted: s.evicted.Load(), Corrupt: s.corrupt.Load(),
	}
	st.MemoryBytes, st.MemorySegments = s.memory.usage()
	if s.disk != nil {
		st.DiskBytes, st.DiskSegments, st.DiskContents = s.disk.usage()
	}
	return st
}

// View is the namespace of one swarm in the store.
func (s *Store) View(swarm string) *View { return &View{store: s, swarm: swarm} }

// lost tells listeners about entries that a tier dropped and the other does not
// have.
func (s *Store) lost(ids []entryID) (gone int) {
	for _, id := range ids {
		if s.has(id) {
			continue
		}
		gone++
		s.mu.Lock()
		listeners := slices.Clone(s.listeners[id.swarm])
		s.mu.Unlock()
		for _, f := range listeners {
			(*f)(id.key)
		}
	}
	return gone
}

func (s *Store) has(id entryID) bool {
	return s.memory.has(id) || s.disk != nil && s.disk.has(id)
}

func (s *Store) isClosed() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.closed
}
