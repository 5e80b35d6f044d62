package segments

import (
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// openDiskTier locks dir, removes what a crash left behind, reads the entries
// and evicts down to limit. Contents are not read, only their sizes.
func openDiskTier(dir string, limit int64) (*diskTier, error) {
	d, err := newDiskTier(dir, limit)
	if err != nil {
		return nil, err
	}
	for _, sub := range []string{"temp", "contents", "entries"} {
		if err := os.MkdirAll(filepath.Join(dir, sub), 0o700); err != nil {
			return nil, fmt.Errorf("segments: cache directory: %w", err)
		}
	}
	if d.unlock, err = lockDirectory(filepath.Join(dir, "lock")); err != nil {
		return nil, fmt.Errorf("segments: cache directory: %w", err)
	}
	if err := d.recover(); err != nil {
		d.unlock()
		return nil, fmt.Errorf("segments: cache directory: %w", err)
	}
	return d, nil
}

func (d *diskTier) recover() error {
	if err := d.clearTemp(); err != nil {
		return err
	}
	probe, err := d.writeTemp(nil)
	if err != nil {
		return err
	}
	if err := os.Remove(probe); err != nil {
		return err
	}
	sizes, err := d.scanContents()
	if err != nil {
		return err
	}
	if err := d.scanEntries(sizes); err != nil {
		return err
	}
	for digest := range sizes {
		if d.contents[digest] == nil {
			if err := os.Remove(d.contentPath(digest)); err != nil {
				return err
			}
		}
	}
	for d.used > d.limit {
		oldest, _, ok := d.entries.GetOldest()
		if !ok {
			break
		}
		d.removeEntry(oldest)
	}
	return nil
}

func (d *diskTier) clearTemp() error {
	names, err := os.ReadDir(filepath.Join(d.dir, "temp"))
	if err != nil {
		return err
	}
	for _, name := range names {
		if err := os.RemoveAll(filepath.Join(d.dir, "temp", name.Name())); err != nil {
			return err
		}
	}
	return nil
}

// scanContents returns the size of each content file.
func (d *diskTier) scanContents() (map[Digest]int64, error) {
	sizes := make(map[Digest]int64)
	err := walkHashes(filepath.Join(d.dir, "contents"), func(path string, digest Digest) error {
		info, err := os.Lstat(path)
		if err != nil {
			return err
		}
		if info.Mode().IsRegular() {
			sizes[digest] = info.Size()
		}
		return nil
	})
	return sizes, err
}

// scanEntries reads all entry files into the list, the one used longest ago
// first, and removes those that say nothing true.
func (d *diskTier) scanEntries(sizes map[Digest]int64) error {
	type found struct {
		record *diskRecord
		digest Digest
	}
	var all []found
	err := walkHashes(filepath.Join(d.dir, "entries"), func(path string, name Digest) error {
		info, err := os.Lstat(path)
		if err != nil {
			return err
		}
		if !info.Mode().IsRegular() {
			return nil
		}
		entry, digest, err := readEntry(path)
		if err != nil && !errors.Is(err, errEntry) {
			return err
		}
		size, ok := sizes[digest]
		if err != nil || !ok || size != entry.Size || entryName(entryID{entry.Swarm, entry.Key}) != name.String() {
			return os.Remove(path)
		}
		used := info.ModTime()
		if now := time.Now(); used.After(now) {
			used = now // a clock that was wrong must not keep an entry for ever
		}
		all = append(all, found{&diskRecord{entry: entry, cost: info.Size(), used: used, persisted: used}, digest})
		return nil
	})
	if err != nil {
		return err
	}
	slices.SortStableFunc(all, func(a, b found) int { return a.record.used.Compare(b.record.used) })
	for _, f := range all {
		content := d.contents[f.digest]
		if content == nil {
			content = &diskContent{digest: f.digest, size: sizes[f.digest], ready: readyContent}
			d.contents[f.digest] = content
			d.used += content.size
		}
		content.refs++
		f.record.content = content
		d.used += f.record.cost
		d.entries.Add(entryID{f.record.entry.Swarm, f.record.entry.Key}, f.record)
	}
	return nil
}

// readEntry reads at most maxEntryFile bytes. A file that is no entry gives
// errEntry, another error is the system's.
func readEntry(path string) (diskEntry, Digest, error) {
	file, err := os.Open(path)
	if err != nil {
		return diskEntry{}, Digest{}, err
	}
	defer file.Close()
	text, err := io.ReadAll(io.LimitReader(file, maxEntryFile+1))
	if err != nil {
		return diskEntry{}, Digest{}, err
	}
	return decodeEntry(text)
}

// walkHashes calls f for each dir/ab/ab… whose name is 28 bytes in hexadecimal.
// Anything else is not ours and is left alone.
func walkHashes(dir string, f func(path string, name Digest) error) error {
	shards, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, shard := range shards {
		if !shard.IsDir() {
			continue
		}
		files, err := os.ReadDir(filepath.Join(dir, shard.Name()))
		if err != nil {
			return err
		}
		for _, file := range files {
			var name Digest
			if len(file.Name()) != hex.EncodedLen(len(name)) {
				continue
			}
			if _, err := hex.Decode(name[:], []byte(file.Name())); err != nil ||
				name.String() != file.Name() || file.Name()[:2] != shard.Name() {
				continue
			}
			if err := f(filepath.Join(dir, shard.Name(), file.Name()), name); err != nil {
				return err
			}
		}
	}
	return nil
}

// writeFile puts data in place at path: whole, or not at all.
func (d *diskTier) writeFile(path string, data []byte) error {
	temp, err := d.writeTemp(data)
	if err != nil {
		return err
	}
	if err := rename(temp, path); err != nil {
		os.Remove(temp)
		return err
	}
	return nil
}

// writeTemp writes and syncs a temporary file and returns its path.
func (d *diskTier) writeTemp(data []byte) (path string, err error) {
	file, err := os.CreateTemp(filepath.Join(d.dir, "temp"), "*")
	if err != nil {
		return "", err
	}
	_, err = file.Write(data)
	if err == nil {
		err = file.Sync()
	}
	if closeErr := file.Close(); err == nil {
		err = closeErr
	}
	if err != nil {
		os.Remove(file.Name())
		return "", err
	}
	return file.Name(), nil
}

// rename moves temp to path, making path's directory when that is missing.
func rename(temp, path string) error {
	err := os.Rename(temp, path)
	if errors.Is(err, fs.ErrNotExist) {
		if err := os.Mkdir(filepath.Dir(path), 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
			return err
		}
		err = os.Rename(temp, path)
	}
	return err
}
