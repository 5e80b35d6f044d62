package segments

import (
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/hashicorp/golang-lru/v2/simplelru"
)

// touchInterval is how stale an entry file's modification time, which holds when
// the entry was last used, may become before a Get writes it. Close writes all.
const touchInterval = time.Minute

// diskTier keeps contents and entries as files:
//
//	lock                  held while the directory is open
//	uploaded              of package node, see Budget
//	temp/*                files being written, removed at open
//	contents/ab/ab12…     identity bytes, named by digest
//	entries/cd/cd34…      one per (swarm, key), see diskEntry; its modification
//	                      time is when it was last used
//
// A content is in place before its first entry and is removed after its last, so
// a crash leaves at worst a content without entry, which open removes.
type diskTier struct {
	dir    string
	limit  int64
	unlock func() error
	work   sync.WaitGroup // puts and gets under way

	mu       sync.Mutex // also held over renames and removals, so that maps and files agree
	closed   bool
	used     int64 // bytes of all contents and entries, those being written included
	entries  *simplelru.LRU[entryID, *diskRecord]
	contents map[Digest]*diskContent
}

// diskRecord is an entry that is in place.
type diskRecord struct {
	entry     diskEntry
	content   *diskContent
	cost      int64     // bytes of the entry file
	used      time.Time // last use
	persisted time.Time // last use that the entry file shows, about
	stale     bool      // the file does not show used exactly; Close writes it
}

// diskContent is a content file, in place or being written. It lives as long as
// entries, or a put or get under way, refer to it.
type diskContent struct {
	digest Digest
	size   int64
	refs   int
	ready  chan struct{} // closed when written or failed
	err    error         // set before ready is closed
}

var readyContent = func() chan struct{} { c := make(chan struct{}); close(c); return c }()

func newDiskTier(dir string, limit int64) (*diskTier, error) {
	entries, err := simplelru.NewLRU[entryID, *diskRecord](math.MaxInt, nil)
	if err != nil {
		return nil, err
	}
	return &diskTier{dir: dir, limit: limit, entries: entries, contents: make(map[Digest]*diskContent)}, nil
}

func (d *diskTier) contentPath(digest Digest) string {
	name := digest.String()
	return filepath.Join(d.dir, "contents", name[:2], name)
}

func (d *diskTier) entryPath(id entryID) string {
	name := entryName(id)
	return filepath.Join(d.dir, "entries", name[:2], name)
}

// begin counts an operation, unless the tier is closed. The caller holds mu.
func (d *diskTier) begin() bool {
	if d.closed {
		return false
	}
	d.work.Add(1)
	return true
}

// put writes seg and returns what had to go for it. kept is false for one that
// alone is above the limit.
func (d *diskTier) put(id entryID, seg *Segment) (dropped []entryID, kept bool, err error) {
	file, err := encodeEntry(id, seg)
	if err != nil {
		return nil, false, err
	}
	content, writer, dropped, err := d.reserve(id, seg, int64(len(file)))
	if err != nil || content == nil {
		return dropped, false, err
	}
	defer d.work.Done()
	if writer {
		var data []byte
		if data, content.err = seg.Bytes(); content.err == nil {
			content.err = d.writeFile(d.contentPath(seg.Digest), data)
		}
		close(content.ready)
	}
	<-content.ready
	if content.err != nil {
		d.giveBack(content, int64(len(file)))
		return dropped, false, fmt.Errorf("segments: storing %s: %w", id.key, content.err)
	}
	if err := d.commit(id, seg, content, file); err != nil {
		d.giveBack(content, int64(len(file)))
		return dropped, false, fmt.Errorf("segments: storing %s: %w", id.key, err)
	}
	return dropped, true, nil
}

// reserve makes room and refers to the content. writer tells the caller to write
// it. A nil content means that the segment cannot be kept.
func (d *diskTier) reserve(id entryID, seg *Segment, entryCost int64) (content *diskContent, writer bool, dropped []entryID, err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if seg.Size+entryCost > d.limit {
		// What is stored under this key must not outlive its replacement.
		d.removeEntry(id)
		return nil, false, nil, nil
	}
	if !d.begin() {
		return nil, false, nil, ErrClosed
	}
	content = d.contents[seg.Digest]
	if content == nil {
		content = &diskContent{digest: seg.Digest, size: seg.Size, ready: make(chan struct{})}
		d.contents[seg.Digest] = content
		d.used += content.size
		writer = true
	}
	content.refs++
	d.used += entryCost
	for d.used > d.limit {
		oldest, _, ok := d.entries.GetOldest()
		if !ok {
			break
		}
		d.removeEntry(oldest)
		if oldest != id {
			dropped = append(dropped, oldest)
		}
	}
	if d.used <= d.limit {
		return content, writer, dropped, nil
	}
	// Other puts under way hold the room.
	if writer {
		content.err = errors.New("no room")
		close(content.ready)
	}
	d.used -= entryCost
	d.release(content)
	d.work.Done()
	return nil, false, dropped, nil
}

func (d *diskTier) giveBack(content *diskContent, entryCost int64) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.used -= entryCost
	d.release(content)
}

// commit puts the entry file in place and the record in the list.
func (d *diskTier) commit(id entryID, seg *Segment, content *diskContent, file []byte) error {
	temp, err := d.writeTemp(file)
	if err != nil {
		return err
	}
	entry, _, err := decodeEntry(file)
	if err != nil {
		os.Remove(temp)
		return err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := rename(temp, d.entryPath(id)); err != nil {
		os.Remove(temp)
		return err
	}
	if old, ok := d.entries.Peek(id); ok {
		d.used -= old.cost
		d.release(old.content)
	}
	now := time.Now()
	d.entries.Add(id, &diskRecord{entry: entry, content: content, cost: int64(len(file)), used: now, persisted: now, stale: true})
	return nil
}

// removeEntry removes an entry, and its content when that was the last. The
// caller holds mu.
func (d *diskTier) removeEntry(id entryID) {
	record, ok := d.entries.Peek(id)
	if !ok {
		return
	}
	os.Remove(d.entryPath(id))
	d.entries.Remove(id)
	d.used -= record.cost
	d.release(record.content)
}

// release drops one reference. The caller holds mu.
func (d *diskTier) release(content *diskContent) {
	if content.refs--; content.refs > 0 {
		return
	}
	os.Remove(d.contentPath(content.digest))
	delete(d.contents, content.digest)
	d.used -= content.size
}

func (d *diskTier) remove(id entryID) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if !d.closed {
		d.removeEntry(id)
	}
}

func (d *diskTier) has(id entryID) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return !d.closed && d.entries.Contains(id)
}

func (d *diskTier) keys(swarm string) []Key {
	d.mu.Lock()
	defer d.mu.Unlock()
	var keys []Key
	if d.closed {
		return keys
	}
	for _, id := range d.entries.Keys() {
		if id.swarm == swarm {
			keys = append(keys, id.key)
		}
	}
	return keys
}

func (d *diskTier) usage() (bytes int64, entries, contents int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.used, d.entries.Len(), len(d.contents)
}

// touch marks an entry as used just now. It is called for segments served from
// memory, which must not wait for the disk: while files are being removed the
// mark is left out.
func (d *diskTier) touch(id entryID) {
	if !d.mu.TryLock() {
		return
	}
	defer d.mu.Unlock()
	if record, ok := d.entries.Get(id); ok && !d.closed {
		d.markUsed(id, record)
	}
}

func (d *diskTier) markUsed(id entryID, record *diskRecord) {
	record.used, record.stale = time.Now(), true
	if record.used.Sub(record.persisted) >= touchInterval {
		d.persistUse(id, record)
	}
}

// persistUse writes the time of last use. When that fails the entry only looks
// older after a restart.
func (d *diskTier) persistUse(id entryID, record *diskRecord) {
	if os.Chtimes(d.entryPath(id), record.used, record.used) == nil {
		record.persisted, record.stale = record.used, false
	}
}

func (d *diskTier) close() error {
	d.mu.Lock()
	if d.closed {
		d.mu.Unlock()
		return nil
	}
	d.closed = true
	d.mu.Unlock()
	d.work.Wait()
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, id := range d.entries.Keys() {
		if record, ok := d.entries.Peek(id); ok && record.stale {
			d.persistUse(id, record)
		}
	}
	return d.unlock()
}
