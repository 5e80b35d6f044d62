package segments

import (
	"math"
	"sync"

	"github.com/hashicorp/golang-lru/v2/simplelru"
)

// memoryTier is an LRU list bounded by bytes. The list itself is bounded by
// count only, so the bytes are kept in a ledger here. No eviction callback is
// used: replacing a key does not call it, and the ledger would drift.
type memoryTier struct {
	limit int64

	mu     sync.Mutex
	list   *simplelru.LRU[entryID, *Segment]
	used   int64 // sum of Weight over list
	closed bool
}

func newMemoryTier(limit int64) (*memoryTier, error) {
	list, err := simplelru.NewLRU[entryID, *Segment](math.MaxInt, nil)
	if err != nil {
		return nil, err
	}
	return &memoryTier{limit: limit, list: list}, nil
}

// put keeps seg unless it alone is above the limit, and returns what had to go.
func (m *memoryTier) put(id entryID, seg *Segment) (dropped []entryID, kept bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	weight := seg.Weight()
	if m.closed || weight > m.limit {
		// An older segment under this key must not outlive its replacement.
		m.drop(id)
		return nil, false
	}
	m.drop(id)
	for m.used+weight > m.limit {
		oldest, old, ok := m.list.RemoveOldest()
		if !ok {
			break
		}
		m.used -= old.Weight()
		dropped = append(dropped, oldest)
	}
	m.list.Add(id, seg)
	m.used += weight
	return dropped, true
}

func (m *memoryTier) drop(id entryID) {
	if old, ok := m.list.Peek(id); ok {
		m.used -= old.Weight()
		m.list.Remove(id)
	}
}

func (m *memoryTier) get(id entryID) (*Segment, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.list.Get(id)
}

func (m *memoryTier) has(id entryID) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.list.Contains(id)
}

func (m *memoryTier) remove(id entryID) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.drop(id)
}

func (m *memoryTier) keys(swarm string) []Key {
	m.mu.Lock()
	defer m.mu.Unlock()
	var keys []Key
	for _, id := range m.list.Keys() {
		if id.swarm == swarm {
			keys = append(keys, id.key)
		}
	}
	return keys
}

func (m *memoryTier) usage() (bytes int64, count int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.used, m.list.Len()
}

// clear empties the tier for good.
func (m *memoryTier) clear() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.closed = true
	m.list.Purge()
	m.used = 0
}
