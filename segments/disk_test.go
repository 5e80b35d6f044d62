package segments

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// diskOnly makes a memory tier that holds nothing.
const diskOnly = 1

func TestDiskSurvivesRestart(t *testing.T) {
	dir := t.TempDir()
	signed := numbered(t, 1, 3*PieceSize+7)
	st := testSigner().Sign("w", signed.Key, signed.Size, signed.Leaves)
	signed.Statement = &st
	text := newTestSegment(t, "sub/1", Meta{ContentType: "text/vtt", ETag: `"x"`, LastModified: "Thu, 01 Jan 1970 00:00:00 GMT", Shareable: true},
		[]byte(strings.Repeat("WEBVTT\n", 9000)))
	empty := newTestSegment(t, "v/0", media, nil)
	all := []*Segment{signed, text, empty}
	s, err := OpenStore(StoreConfig{Dir: dir})
	must(t, err)
	for _, seg := range all {
		must(t, s.View("w").Put(seg))
	}
	must(t, s.Close())

	s = openTestStore(t, StoreConfig{Dir: dir})
	v := s.View("w")
	if diff := cmp.Diff([]Key{"sub/1", "v/0", "v/1"}, v.Keys()); diff != "" {
		t.Error(diff)
	}
	for _, seg := range all {
		check(t, v, seg)
	}
	if got, _ := v.Get("sub/1"); !got.Compressed() {
		t.Error("text is not kept compressed after a restart")
	}
	if got, _ := v.Get("v/1"); got.Statement.Verify(testSigner().Public(), "w", got.Key, got.Leaves) != nil {
		t.Error("the statement does not verify after a restart")
	}
	if st := s.Stats(); st.DiskBytes != bytesUnder(t, dir) {
		t.Errorf("ledger %d, files %d", st.DiskBytes, bytesUnder(t, dir))
	}
}

func TestEqualContentsAreStoredOnce(t *testing.T) {
	dir := t.TempDir()
	data := randomBytes(1, 5000)
	s := openTestStore(t, StoreConfig{MemoryBytes: diskOnly, Dir: dir})
	one, two := s.View("one"), s.View("two")
	a, b := newTestSegment(t, "v/1", media, data), newTestSegment(t, "x/9", media, data)
	must(t, one.Put(a))
	must(t, two.Put(b))
	if st := s.Stats(); st.DiskContents != 1 || st.DiskSegments != 2 || st.DiskBytes > 2*5000 {
		t.Errorf("%+v", st)
	}
	one.Delete("v/1")
	check(t, two, b)
	// Replaced by other bytes, the old ones go.
	must(t, two.Put(newTestSegment(t, "x/9", media, randomBytes(2, 400))))
	if st := s.Stats(); st.DiskContents != 1 || st.DiskBytes != bytesUnder(t, dir) || st.DiskBytes > 1000 {
		t.Errorf("after replacing: %+v, %v", st, filesUnder(t, dir))
	}
	two.Delete("x/9")
	if diff := cmp.Diff(map[string]int64{"lock": 0}, filesUnder(t, dir)); diff != "" {
		t.Errorf("emptied: %s", diff)
	}
}

func TestDiskLimitHolds(t *testing.T) {
	dir := t.TempDir()
	one := openTestStore(t, StoreConfig{Dir: t.TempDir()})
	must(t, one.View("w").Put(numbered(t, 0, 1000)))
	cost := one.Stats().DiskBytes
	limit := 5 * cost
	s, err := OpenStore(StoreConfig{MemoryBytes: diskOnly, Dir: dir, DiskBytes: limit})
	must(t, err)
	v := s.View("w")
	for n := range 5 {
		must(t, v.Put(numbered(t, n, 1000)))
	}
	if got := bytesUnder(t, dir); got != limit || len(v.Keys()) != 5 {
		t.Fatalf("at the limit of %d: %d bytes, %v", limit, got, v.Keys())
	}
	v.Get("v/0")
	must(t, v.Put(numbered(t, 5, 1000)))
	if diff := cmp.Diff([]Key{"v/0", "v/2", "v/3", "v/4", "v/5"}, v.Keys()); diff != "" {
		t.Errorf("one past the limit: %s", diff)
	}
	must(t, s.Close())

	// A smaller limit after a restart evicts what was used longest ago, by the
	// use times that Close wrote.
	s = openTestStore(t, StoreConfig{MemoryBytes: diskOnly, Dir: dir, DiskBytes: 2 * cost})
	if diff := cmp.Diff([]Key{"v/0", "v/5"}, s.View("w").Keys()); diff != "" {
		t.Errorf("after a restart with less: %s", diff)
	}
	if got := bytesUnder(t, dir); got > 2*cost {
		t.Errorf("%d bytes, limit %d", got, 2*cost)
	}
}

func TestUseTimesFromTheFutureAreCut(t *testing.T) {
	dir := t.TempDir()
	s, err := OpenStore(StoreConfig{Dir: dir})
	must(t, err)
	must(t, s.View("w").Put(numbered(t, 1, 1000)))
	must(t, s.Close())
	entry := s.disk.entryPath(entryID{"w", "v/1"})
	future := time.Now().Add(1000 * time.Hour)
	must(t, os.Chtimes(entry, future, future))
	s = openTestStore(t, StoreConfig{Dir: dir})
	record, ok := s.disk.entries.Peek(entryID{"w", "v/1"})
	if !ok || record.used.After(time.Now()) {
		t.Errorf("found %v, used %v", ok, record)
	}
}

// TestDamage changes the directory between two openings in every way a crash or
// a failing disk may, and says what must be left.
func TestDamage(t *testing.T) {
	victim, other := numbered(t, 1, 2*PieceSize), numbered(t, 2, 2*PieceSize)
	flip := func(t *testing.T, path string, at int64) {
		b, err := os.ReadFile(path)
		must(t, err)
		b[at] ^= 4
		must(t, os.WriteFile(path, b, 0o600))
	}
	for _, c := range []struct {
		name    string
		damage  func(t *testing.T, dir, content, entry string)
		kept    bool // the victim
		corrupt int64
	}{
		{"nothing", func(*testing.T, string, string, string) {}, true, 0},
		{"temporary files are left", func(t *testing.T, dir, _, _ string) {
			must(t, os.WriteFile(filepath.Join(dir, "temp", "123"), make([]byte, 999), 0o600))
		}, true, 0},
		{"content without entry", func(t *testing.T, dir, _, entry string) { must(t, os.Remove(entry)) }, false, 0},
		{"entry without content", func(t *testing.T, _, content, _ string) { must(t, os.Remove(content)) }, false, 0},
		{"content is cut short", func(t *testing.T, _, content, _ string) { must(t, os.Truncate(content, 100)) }, false, 0},
		{"content is empty", func(t *testing.T, _, content, _ string) { must(t, os.Truncate(content, 0)) }, false, 0},
		{"content has a flipped bit", func(t *testing.T, _, content, _ string) { flip(t, content, PieceSize+5) }, false, 1},
		{"content is zeros", func(t *testing.T, _, content, _ string) {
			must(t, os.WriteFile(content, make([]byte, victim.Size), 0o600))
		}, false, 1},
		{"content is another's", func(t *testing.T, dir, content, _ string) {
			b, _ := other.Bytes()
			must(t, os.WriteFile(content, b, 0o600))
		}, false, 1},
		{"entry is cut short", func(t *testing.T, _, _, entry string) { must(t, os.Truncate(entry, 80)) }, false, 0},
		{"entry is empty", func(t *testing.T, _, _, entry string) { must(t, os.Truncate(entry, 0)) }, false, 0},
		{"entry has a flipped bit", func(t *testing.T, _, _, entry string) { flip(t, entry, 100) }, false, 0},
		{"entry is huge", func(t *testing.T, _, _, entry string) { must(t, os.Truncate(entry, maxEntryFile+1)) }, false, 0},
		{"entry is another's", func(t *testing.T, dir, _, entry string) {
			b, err := os.ReadFile((&diskTier{dir: dir}).entryPath(entryID{"w", other.Key}))
			must(t, err)
			must(t, os.WriteFile(entry, b, 0o600))
		}, false, 0},
		{"foreign files lie about", func(t *testing.T, dir, _, _ string) {
			must(t, os.WriteFile(filepath.Join(dir, "entries", "README"), []byte("x"), 0o600))
			must(t, os.MkdirAll(filepath.Join(dir, "contents", "zz", "y"), 0o700))
		}, true, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			s, err := OpenStore(StoreConfig{Dir: dir})
			must(t, err)
			must(t, s.View("w").Put(victim))
			must(t, s.View("w").Put(other))
			must(t, s.Close())
			c.damage(t, dir, s.disk.contentPath(victim.Digest), s.disk.entryPath(entryID{"w", victim.Key}))

			s = openTestStore(t, StoreConfig{MemoryBytes: diskOnly, Dir: dir})
			v := s.View("w")
			var gone []Key
			v.OnEvict(func(k Key) { gone = append(gone, k) })
			got, ok := v.Get(victim.Key)
			if ok != c.kept {
				t.Errorf("served %v, want %v", ok, c.kept)
			}
			if ok && got.Digest != victim.Digest {
				t.Error("served other bytes")
			}
			check(t, v, other)
			if st := s.Stats(); st.Corrupt != c.corrupt || len(gone) != int(c.corrupt) {
				t.Errorf("%d corrupt, told of %v, want %d", st.Corrupt, gone, c.corrupt)
			}
			if v.Has(victim.Key) != c.kept {
				t.Errorf("has it: %v", !c.kept)
			}
			temp, err := os.ReadDir(filepath.Join(dir, "temp"))
			if err != nil || len(temp) != 0 {
				t.Errorf("temporary files %v, %v", temp, err)
			}
			if c.name != "foreign files lie about" && s.Stats().DiskBytes != bytesUnder(t, dir) {
				t.Errorf("ledger %d, files %v", s.Stats().DiskBytes, filesUnder(t, dir))
			}
			// What was lost can be stored again.
			must(t, v.Put(victim))
			check(t, v, victim)
		})
	}
}

func TestDamagedContentIsGoneForAllItsEntries(t *testing.T) {
	dir := t.TempDir()
	data := randomBytes(1, 5000)
	s, err := OpenStore(StoreConfig{Dir: dir})
	must(t, err)
	for _, swarm := range []string{"one", "two"} {
		must(t, s.View(swarm).Put(newTestSegment(t, "v/1", media, data)))
	}
	must(t, s.Close())
	must(t, os.WriteFile(s.disk.contentPath(newTestSegment(t, "v/1", media, data).Digest), make([]byte, 5000), 0o600))
	s = openTestStore(t, StoreConfig{Dir: dir})
	if _, ok := s.View("one").Get("v/1"); ok || s.View("two").Has("v/1") {
		t.Error("damaged content is still offered")
	}
	if st := s.Stats(); st.Corrupt != 2 || st.DiskBytes != 0 || bytesUnder(t, dir) != 0 {
		t.Errorf("%+v, %v", st, filesUnder(t, dir))
	}
}

func TestUnusableDirectory(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	must(t, os.WriteFile(file, nil, 0o600))
	_, err := OpenStore(StoreConfig{Dir: filepath.Join(file, "cache")})
	if err == nil || !strings.Contains(err.Error(), file) || !strings.Contains(err.Error(), "cache directory") {
		t.Errorf("below a file: %v", err)
	}
	if os.Geteuid() <= 0 || runtime.GOOS == "windows" {
		t.Skip("the superuser can write everywhere")
	}
	readOnly := t.TempDir()
	must(t, os.Chmod(readOnly, 0o500))
	if _, err := OpenStore(StoreConfig{Dir: readOnly}); !errors.Is(err, os.ErrPermission) {
		t.Errorf("read-only: %v", err)
	}
}

// TestWriteFailure: the disk's error is returned, memory has the segment all the
// same, and nothing is charged.
func TestWriteFailure(t *testing.T) {
	dir := t.TempDir()
	s := openTestStore(t, StoreConfig{Dir: dir})
	temp := filepath.Join(dir, "temp")
	must(t, os.Remove(temp))
	v := s.View("w")
	if err := v.Put(numbered(t, 1, 100)); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("got %v", err)
	}
	check(t, v, numbered(t, 1, 100))
	if st := s.Stats(); st.DiskBytes != 0 || st.DiskSegments != 0 || st.DiskContents != 0 {
		t.Errorf("%+v", st)
	}
	must(t, os.Mkdir(temp, 0o700))
	must(t, v.Put(numbered(t, 1, 100)))
	if st := s.Stats(); st.DiskSegments != 1 {
		t.Errorf("%+v", st)
	}
}

func TestDirectoryIsLocked(t *testing.T) {
	dir := t.TempDir()
	s, err := OpenStore(StoreConfig{Dir: dir})
	must(t, err)
	_, err = OpenStore(StoreConfig{Dir: dir})
	if !errors.Is(err, ErrLocked) || !strings.Contains(err.Error(), dir) {
		t.Errorf("second store: %v", err)
	}
	must(t, s.Close())
	s, err = OpenStore(StoreConfig{Dir: dir})
	must(t, err)
	must(t, s.Close())
}

// FuzzDecodeEntry: whatever is on disk, an entry that is accepted obeys every
// limit and encodes to the same file again.
func FuzzDecodeEntry(f *testing.F) {
	seg := newTestSegment(f, "v/1", media, []byte("hello"))
	plain, err := encodeEntry(entryID{"w", "v/1"}, seg)
	must(f, err)
	st := testSigner().Sign("w", "v/1", seg.Size, seg.Leaves)
	seg.Statement = &st
	signed, err := encodeEntry(entryID{"w", "v/1"}, seg)
	must(f, err)
	_, body, _ := bytes.Cut(plain, []byte("\n"))
	f.Add(plain, false)
	f.Add(signed[:60], false)
	f.Add(body, true)
	f.Add([]byte(`{"key":"v/1","size":-1,"digest":"zz"}`), true)
	f.Add([]byte(`{"statement":{"count":4294967295,"signature":"AA=="}}`), true)
	f.Fuzz(func(t *testing.T, file []byte, seal bool) {
		if seal { // with a right checksum, so that what is behind it is reached
			file = append(fmt.Appendf(nil, "%s%x\n", entryMagic, sha256.Sum224(file)), file...)
		}
		e, digest, err := decodeEntry(file)
		if err != nil {
			if !errors.Is(err, errEntry) {
				t.Fatal(err)
			}
			return
		}
		if e.Key.Validate() != nil || e.Size < 0 || e.Size > MaxSegmentSize || len(e.Swarm) > MaxSwarmLength || e.meta() != e.meta().bounded() {
			t.Fatalf("accepted %+v", e)
		}
		again, err := encodeEntry(entryID{e.Swarm, e.Key}, &Segment{Key: e.Key, Meta: e.meta(), Size: e.Size, Digest: digest, Statement: e.statement()})
		if err != nil {
			return // escaped, it is longer than it was
		}
		if second, _, err := decodeEntry(again); err != nil || second.Key != e.Key || second.Digest != e.Digest {
			t.Fatalf("%v: %+v became %+v", err, e, second)
		}
	})
}
