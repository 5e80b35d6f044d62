package e2e

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path"
	"path/filepath"
	"strings"
	"testing"

	"github.com/shoal-p2p/shoal/cmd/shoal/internal/origin"
	"github.com/shoal-p2p/shoal/cmd/shoal/internal/prefetch"
)

// slowly is how fast the origin sends while a run is to be interrupted: a second
// and a half for a segment of the best track.
const slowly = 128 << 10

// throttle makes media slow, so that a kill finds segments half fetched.
func (s *stage) throttle() {
	s.SetFault(func(r *http.Request) *origin.Fault {
		if strings.HasSuffix(r.URL.Path, ".m4s") {
			return &origin.Fault{Rate: slowly}
		}
		return nil
	})
}

// fetchKilled runs prefetch twice: a run that is killed in the middle, and the
// one that takes up its work. It returns the report of the second.
//
// Whole means that the last byte was written here. A segment that was on its way
// when the process died was not, even if its last byte had left the origin: at
// most the jobs that ran then are begun twice.
func fetchKilled(t *testing.T, o *stage, stream string, media int, held func() int, args ...string) prefetch.Report {
	t.Helper()
	const jobs = 4
	args = append([]string{"prefetch", "--jobs", "4", stream}, args...)
	o.throttle()
	first := start(t, args...)
	eventually(t, "a third of the segments are there", func() bool { return held() >= media/3 || first.ended() })
	first.kill()
	o.SetFault(nil)
	before := held()
	if before == 0 || before >= media {
		t.Fatalf("%d of %d segments were there when the first run was killed", before, media)
	}
	report := filepath.Join(t.TempDir(), "report.json")
	second := start(t, append(args, "--report", report)...)
	if code := second.wait(t, patience); code != 0 {
		t.Fatalf("the second run ended with %d", code)
	}
	data, err := os.ReadFile(report)
	if err != nil {
		t.Fatal(err)
	}
	var r prefetch.Report
	if err := json.Unmarshal(data, &r); err != nil {
		t.Fatal(err)
	}
	if r.Held < int64(before) || len(r.Failed) > 0 {
		t.Errorf("%d segments were there before, the second run found %d; failed: %v", before, r.Held, r.Failed)
	}
	segments, twice := 0, 0
	for _, s := range o.Stats().Segments {
		segments++
		if s.Bytes > int64(s.Size) {
			twice++
		}
	}
	if segments != media {
		t.Errorf("%d segments left the origin, want %d", segments, media)
	}
	if twice > jobs {
		t.Errorf("%d segments were begun twice, only %d were on their way", twice, jobs)
	}
	t.Logf("%d of %d segments were there at the kill, %d begun twice", before, media, twice)
	return r
}

// files counts those of a folder by the end of their name.
func files(dir, suffix string) (n int) {
	fs.WalkDir(os.DirFS(dir), ".", func(name string, _ fs.DirEntry, err error) error {
		if err == nil && strings.HasSuffix(name, suffix) {
			n++
		}
		return nil
	})
	return n
}

// TestPrefetchToFolderIsKilled fetches a film into files.
func TestPrefetchToFolderIsKilled(t *testing.T) {
	story(t)
	t.Parallel()
	const length = 12
	o := newStage(t, origin.Config{VODSegments: length})
	out := t.TempDir()
	fetchKilled(t, o, o.url("/vod/master.m3u8"), 2*length, func() int { return files(out, ".m4s") }, "--out", out)

	if n := files(out, ".part"); n != 0 {
		t.Errorf("%d files are left unfinished", n)
	}
	// Whatever the files are called: each is one of the origin's, and none is missing.
	missing := make(map[[sha256.Size]byte]string)
	for _, seg := range o.Stats().Segments {
		missing[sha256.Sum256(fetch(t, o.url(seg.Path)))] = seg.Path
	}
	err := fs.WalkDir(os.DirFS(out), ".", func(name string, e fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(name, ".m4s") {
			return err
		}
		got, err := os.ReadFile(filepath.Join(out, name))
		if err != nil {
			return err
		}
		sum := sha256.Sum256(got)
		if _, ok := missing[sum]; !ok {
			t.Errorf("%s has %d bytes that the origin does not, or has once only", name, len(got))
		}
		delete(missing, sum)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range missing {
		t.Errorf("%s is in no file", name)
	}
}

// TestPrefetchToCacheIsKilled fetches a film into a cache and plays it from there
// after its origin is gone.
func TestPrefetchToCacheIsKilled(t *testing.T) {
	story(t)
	t.Parallel()
	const length = 12
	o := newStage(t, origin.Config{VODSegments: length})
	cache := t.TempDir()
	wholeInCache := func() (n int) {
		for _, s := range o.Stats().Segments {
			if s.Bytes >= int64(s.Size) {
				n++
			}
		}
		// What has left the origin is not all on disk yet: the last ones may be lost.
		return max(0, n-4)
	}
	r := fetchKilled(t, o, o.url("/vod/manifest.mpd"), 2*length, wholeInCache, "--cache", cache)
	if r.Segments != 2*(length+1) {
		t.Errorf("%d segments, want %d", r.Segments, 2*(length+1))
	}

	direct := make(map[string][]byte)
	for _, track := range r.Tracks {
		for n := range length {
			name := path.Join("/vod", track.ID, fmt.Sprintf("%d.m4s", n))
			direct[name] = fetch(t, o.url(name))
		}
	}
	_, gateway := o.proxy(t, "--cache", cache)
	fetch(t, o.through(gateway, "/vod/manifest.mpd")) // a player's first request; the gateway learns what the URLs mean
	o.server.Close()
	for name, want := range direct {
		if got := fetch(t, o.through(gateway, name)); !bytes.Equal(got, want) {
			t.Errorf("%s: %d bytes from the cache, the origin had %d others", name, len(got), len(want))
		}
	}
}

func fetch(t *testing.T, url string) []byte {
	t.Helper()
	resp, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("%s: %s, %d bytes, %v", url, resp.Status, len(body), err)
	}
	return body
}
