package segments

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func openTestStore(t testing.TB, c StoreConfig) *Store {
	t.Helper()
	s, err := OpenStore(c)
	must(t, err)
	t.Cleanup(func() { must(t, s.Close()) })
	return s
}

// filesUnder maps each file's path below dir to its size.
func filesUnder(t testing.TB, dir string) map[string]int64 {
	t.Helper()
	files := make(map[string]int64)
	must(t, filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		if err == nil {
			name, _ := filepath.Rel(dir, path)
			files[filepath.ToSlash(name)] = info.Size()
		}
		return err
	}))
	return files
}

func bytesUnder(t testing.TB, dir string) (sum int64) {
	for _, size := range filesUnder(t, dir) {
		sum += size
	}
	return sum
}

// numbered is the n-th test segment: its bytes depend on n only.
func numbered(t testing.TB, n, size int) *Segment {
	return newTestSegment(t, NumberKey("v", uint64(n)), media, randomBytes(uint64(n), size))
}

// check compares what the view has under seg's key with seg.
func check(t testing.TB, v *View, seg *Segment) {
	t.Helper()
	got, ok := v.Get(seg.Key)
	if !ok {
		t.Errorf("%s is missing", seg.Key)
		return
	}
	a, _ := got.Bytes()
	b, _ := seg.Bytes()
	if !bytes.Equal(a, b) {
		t.Errorf("%s: bytes differ", seg.Key)
	}
	if diff := cmp.Diff(seg, got, cmp.FilterPath(func(p cmp.Path) bool {
		return p.String() == "data" || p.String() == "packed"
	}, cmp.Ignore())); diff != "" {
		t.Errorf("%s: %s", seg.Key, diff)
	}
}

func TestViewsOfTwoSwarms(t *testing.T) {
	for _, dir := range []string{"", t.TempDir()} {
		s := openTestStore(t, StoreConfig{Dir: dir})
		one, two := s.View("one"), s.View("two")
		a, b := numbered(t, 1, 100), newTestSegment(t, "v/1", media, []byte("other"))
		must(t, one.Put(a))
		if two.Has("v/1") {
			t.Error("a swarm sees another's segment")
		}
		must(t, two.Put(b))
		must(t, two.Put(numbered(t, 3, 10)))
		check(t, one, a)
		check(t, s.View("two"), b)
		if diff := cmp.Diff([]Key{"v/1", "v/3"}, two.Keys()); diff != "" {
			t.Error(diff)
		}
		one.Delete("v/1")
		if one.Has("v/1") || !two.Has("v/1") || len(one.Keys()) != 0 {
			t.Error("delete reached too far, or not far enough")
		}
		if one.Swarm() != "one" {
			t.Errorf("view of %q", one.Swarm())
		}
	}
}

func TestPutRefuses(t *testing.T) {
	s := openTestStore(t, StoreConfig{MemoryBytes: 2000, Dir: t.TempDir(), DiskBytes: 3000})
	longest := Key("v/" + strings.Repeat("1", MaxKeyLength-2))
	for _, c := range []struct {
		name  string
		swarm string
		seg   *Segment
		want  error
	}{
		{"private", "w", newTestSegment(t, "v/1", Meta{}, []byte("x")), ErrPrivate},
		{"longest key", "w", newTestSegment(t, longest, media, []byte("x")), nil},
		{"longest swarm", strings.Repeat("s", MaxSwarmLength-2000), newTestSegment(t, "v/1", media, nil), ErrTooLarge},
		{"one past the longest swarm", strings.Repeat("s", MaxSwarmLength+1), newTestSegment(t, "v/1", media, nil), ErrTooLarge},
		{"fits disk only", "w", numbered(t, 2, 2300), nil},
		{"fits neither", "w", numbered(t, 3, 3001), ErrTooLarge},
	} {
		err := s.View(c.swarm).Put(c.seg)
		if c.name == "longest swarm" { // its entry is above DiskBytes, but it is in memory
			c.want = nil
		}
		if !errors.Is(err, c.want) || c.want == nil && err != nil {
			t.Errorf("%s: got %v, want %v", c.name, err, c.want)
		}
		if got := s.View(c.swarm).Has(c.seg.Key); got != (c.want == nil) {
			t.Errorf("%s: stored %v", c.name, got)
		}
	}
	for _, key := range []Key{"", "v", Key(string(longest) + "1"), "v/ "} {
		if err := s.View("w").Put(&Segment{Key: key, Meta: media}); err == nil {
			t.Errorf("key %q was stored", key)
		}
	}
}

// TestLongestNamesFitAnEntry: what the limits on names allow can be stored.
func TestLongestNamesFitAnEntry(t *testing.T) {
	dir := t.TempDir()
	field := strings.Repeat("<", MaxMetaField) // JSON takes six bytes for one
	seg := newTestSegment(t, Key("v/"+strings.Repeat("&", MaxKeyLength-2)),
		Meta{ContentType: field, ETag: field, LastModified: field, Shareable: true}, []byte("x"))
	st := testSigner().Sign("w", seg.Key, seg.Size, seg.Leaves)
	seg.Statement = &st
	swarm := strings.Repeat("s", MaxSwarmLength)
	s, err := OpenStore(StoreConfig{Dir: dir})
	must(t, err)
	must(t, s.View(swarm).Put(seg))
	must(t, s.Close())
	check(t, openTestStore(t, StoreConfig{Dir: dir}).View(swarm), seg)
}

func TestMemoryTierIsBoundedByBytes(t *testing.T) {
	const size = 1000
	weight := numbered(t, 0, size).Weight()
	s := openTestStore(t, StoreConfig{MemoryBytes: 3 * weight})
	v := s.View("w")
	var gone []Key
	stop := v.OnEvict(func(k Key) { gone = append(gone, k) })
	for n := range 3 {
		must(t, v.Put(numbered(t, n, size)))
	}
	if len(gone) != 0 || s.Stats().MemoryBytes != 3*weight {
		t.Fatalf("at the limit: %v gone, %d bytes", gone, s.Stats().MemoryBytes)
	}
	v.Get("v/0") // now v/1 was used longest ago
	must(t, v.Put(numbered(t, 3, size)))
	if diff := cmp.Diff([]Key{"v/1"}, gone); diff != "" {
		t.Errorf("one past the limit: %s", diff)
	}
	// Replacing must not drift the ledger.
	for n := range 50 {
		must(t, v.Put(newTestSegment(t, "v/0", media, randomBytes(uint64(n), 1+n*20))))
	}
	if st := s.Stats(); st.MemoryBytes > 3*weight || st.MemorySegments != len(v.Keys()) {
		t.Errorf("after replacements: %+v", st)
	}
	for _, k := range v.Keys() {
		v.Delete(k)
	}
	if st := s.Stats(); st.MemoryBytes != 0 || st.MemorySegments != 0 {
		t.Errorf("emptied: %+v", st)
	}
	stop()
	gone = nil
	for n := range 10 {
		must(t, v.Put(numbered(t, n, size)))
	}
	if len(gone) != 0 {
		t.Errorf("told of %v after stop", gone)
	}
}

func TestStatsCount(t *testing.T) {
	weight := numbered(t, 0, 1000).Weight()
	s := openTestStore(t, StoreConfig{MemoryBytes: weight, Dir: t.TempDir()})
	v := s.View("w")
	must(t, v.Put(numbered(t, 1, 1000)))
	must(t, v.Put(numbered(t, 2, 1000)))
	v.Get("v/2")
	v.Get("v/1") // from disk
	v.Get("v/9")
	st := s.Stats()
	if st.Hits != 2 || st.DiskHits != 1 || st.Misses != 1 || st.Evicted != 0 || st.DiskSegments != 2 || st.DiskContents != 2 || st.MemorySegments != 1 {
		t.Errorf("%+v", st)
	}
}

func TestOnEvictMeansGoneFromBothTiers(t *testing.T) {
	weight := numbered(t, 0, 1000).Weight()
	s := openTestStore(t, StoreConfig{MemoryBytes: weight, Dir: t.TempDir(), DiskBytes: 4000})
	v := s.View("w")
	var gone []Key
	v.OnEvict(func(k Key) {
		if v.Has(k) {
			t.Errorf("%s is still here", k)
		}
		gone = append(gone, k)
	})
	s.View("other").OnEvict(func(k Key) { t.Errorf("another swarm was told of %s", k) })
	for n := range 8 {
		must(t, v.Put(numbered(t, n, 1000)))
	}
	if len(gone) == 0 || !slices.IsSorted(gone) || len(gone)+len(v.Keys()) != 8 {
		t.Errorf("gone %v, here %v", gone, v.Keys())
	}
	if got := s.Stats().Evicted; got != int64(len(gone)) {
		t.Errorf("%d evicted in stats, told of %d", got, len(gone))
	}
}

func TestClosedStore(t *testing.T) {
	s, err := OpenStore(StoreConfig{Dir: t.TempDir()})
	must(t, err)
	v := s.View("w")
	must(t, v.Put(numbered(t, 1, 10)))
	must(t, s.Close())
	must(t, s.Close())
	if err := v.Put(numbered(t, 2, 10)); !errors.Is(err, ErrClosed) {
		t.Errorf("put: %v", err)
	}
	if _, ok := v.Get("v/1"); ok || v.Has("v/1") || len(v.Keys()) != 0 {
		t.Error("a closed store still answers")
	}
	v.Delete("v/1")
}

func TestStoreConfigValidate(t *testing.T) {
	for _, c := range []StoreConfig{{MemoryBytes: -1}, {DiskBytes: -1}} {
		if _, err := OpenStore(c); err == nil {
			t.Errorf("%+v was accepted", c)
		}
	}
}

// TestStoreConcurrently puts, gets and deletes equal and different contents
// under a tight limit; run with -race. At the end files and ledger agree.
func TestStoreConcurrently(t *testing.T) {
	dir := t.TempDir()
	const limit = 60_000
	s := openTestStore(t, StoreConfig{MemoryBytes: 20_000, Dir: dir, DiskBytes: limit})
	var group sync.WaitGroup
	for worker := range 4 {
		group.Go(func() {
			random := rand.New(rand.NewPCG(5, uint64(worker)))
			for range 150 {
				n := random.IntN(12)
				v := s.View(fmt.Sprint("swarm ", random.IntN(2)))
				switch random.IntN(4) {
				case 0:
					v.Delete(NumberKey("v", uint64(n)))
				case 1:
					if seg, ok := v.Get(NumberKey("v", uint64(n))); ok && seg.Digest != numbered(t, n, 1000+n*500).Digest {
						t.Errorf("%s: another segment's bytes", seg.Key)
					}
				default:
					if err := v.Put(numbered(t, n, 1000+n*500)); err != nil {
						t.Error(err)
					}
				}
			}
		})
	}
	group.Wait()
	st := s.Stats()
	if got := bytesUnder(t, dir); got != st.DiskBytes || got > limit {
		t.Errorf("%d bytes in files, %d in the ledger, limit %d", got, st.DiskBytes, int64(limit))
	}
	if st.MemoryBytes > 20_000 {
		t.Errorf("%d bytes in memory", st.MemoryBytes)
	}
}
