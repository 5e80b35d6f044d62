package segments

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
)

// errDamaged says that a content file is not what its name says.
var errDamaged = errors.New("segments: content does not verify")

// get reads and verifies a segment. nil with damaged entries means that the
// content was missing, torn or altered: it and all entries for it are removed.
// nil with none is a plain miss, or a passing error of the system.
func (d *diskTier) get(id entryID) (seg *Segment, damaged []entryID) {
	d.mu.Lock()
	record, ok := d.entries.Get(id)
	if !ok || !d.begin() {
		d.mu.Unlock()
		return nil, nil
	}
	defer d.work.Done()
	d.markUsed(id, record)
	content, entry := record.content, record.entry
	content.refs++
	d.mu.Unlock()

	data, leaves, err := d.readContent(content)

	d.mu.Lock()
	defer d.mu.Unlock()
	if errors.Is(err, errDamaged) {
		for _, other := range d.entries.Keys() {
			if r, ok := d.entries.Peek(other); ok && r.content == content {
				d.removeEntry(other)
				damaged = append(damaged, other)
			}
		}
	}
	d.release(content)
	if err != nil {
		return nil, damaged
	}
	seg = sealSegment(id.key, entry.meta(), data, leaves)
	seg.Statement = entry.statement()
	return seg, nil
}

func (d *diskTier) readContent(content *diskContent) ([]byte, []Leaf, error) {
	file, err := os.Open(d.contentPath(content.digest))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil, fmt.Errorf("%w: %w", errDamaged, err)
	}
	if err != nil {
		return nil, nil, err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return nil, nil, err
	}
	if info.Size() != content.size {
		return nil, nil, fmt.Errorf("%w: %d bytes, want %d", errDamaged, info.Size(), content.size)
	}
	data := make([]byte, content.size)
	if _, err := io.ReadFull(file, data); err != nil {
		if err == io.EOF || err == io.ErrUnexpectedEOF {
			err = fmt.Errorf("%w: %w", errDamaged, err)
		}
		return nil, nil, err
	}
	leaves := LeavesOf(data)
	if DigestOf(content.size, leaves) != content.digest {
		return nil, nil, fmt.Errorf("%w: %s", errDamaged, content.digest)
	}
	return data, leaves, nil
}
