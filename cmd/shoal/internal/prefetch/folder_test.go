package prefetch

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/shoal-p2p/shoal/manifest/timeline"
	"github.com/shoal-p2p/shoal/segments"
)

func digestOf(data []byte) segments.Digest {
	var leaves []segments.Leaf
	for i := range segments.PieceCount(int64(len(data))) {
		first := i * segments.PieceSize
		leaves = append(leaves, segments.LeafOf(data[first:first+segments.PieceLength(int64(len(data)), i)]))
	}
	return segments.DigestOf(int64(len(data)), leaves)
}

func TestDigester(t *testing.T) {
	for _, size := range []int{0, 1, segments.PieceSize - 1, segments.PieceSize, segments.PieceSize + 1, 3*segments.PieceSize + 7} {
		data := bytes.Repeat([]byte("abcdefg"), size/7+1)[:size]
		for _, step := range []int{1 << 20, 1000, segments.PieceSize} {
			d := digester{}
			for rest := data; len(rest) > 0; {
				n := min(step, len(rest))
				d.Write(rest[:n])
				rest = rest[n:]
			}
			if d.digest() != digestOf(data) {
				t.Errorf("%d bytes written %d at a time have another digest", size, step)
			}
		}
	}
}

func TestFolder(t *testing.T) {
	dir := t.TempDir()
	f, err := newFolder(filepath.Join(dir, "copy"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.close()
	good, other := digestOf([]byte("hello")), digestOf([]byte("world"))
	if _, ok := f.has("a/1.ts", nil); ok {
		t.Error("an empty folder has a file")
	}
	if _, err := f.put("a/1.ts", io.MultiReader(strings.NewReader("he"), broken{}), nil); err == nil {
		t.Error("a torn file was taken")
	}
	if _, err := f.put("a/1.ts", strings.NewReader("hello"), func(d segments.Digest) error { return errDigest }); !errors.Is(err, errDigest) {
		t.Errorf("%v, want %v", err, errDigest)
	}
	if _, ok := f.has("a/1.ts", nil); ok {
		t.Error("a refused file is there")
	}
	n, err := f.put("a/1.ts", strings.NewReader("hello"), func(d segments.Digest) error {
		if d != good {
			return errDigest
		}
		return nil
	})
	if n != 5 || err != nil {
		t.Fatalf("%d: %v", n, err)
	}
	if n, ok := f.has("a/1.ts", &good); n != 5 || !ok {
		t.Errorf("%d %v", n, ok)
	}
	if _, ok := f.has("a/1.ts", &other); ok {
		t.Error("a file of another digest is whole")
	}
	if _, ok := f.has("a/1.ts", nil); ok {
		t.Error("it was left there")
	}
	for _, outside := range []string{"../escaped", "/etc/escaped", "a/../../escaped"} {
		if _, err := f.put(outside, strings.NewReader("x"), nil); err == nil {
			t.Errorf("%s was written", outside)
		}
	}
	left, err := filepath.Glob(filepath.Join(dir, "copy", "a", "*"))
	if err != nil || len(left) > 0 {
		t.Errorf("left behind: %q, %v", left, err)
	}
}

type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, errors.New("connection reset") }

func TestNames(t *testing.T) {
	for _, c := range []struct{ key, url, want string }{
		{"p0/v1/12", "https://a.test/x/12.m4s?t=1", "p0/v1/12.m4s"},
		{"p0/v1/t900000", "https://a.test/x/y.mp4", "p0/v1/t900000.mp4"},
		{"p0/v1/5000-9999", "https://a.test/x.webm", "p0/v1/5000-9999.webm"},
		{"main/3.1", "https://a.test/x.ts", "main/3.1.ts"},
		{"main/3", "https://a.test/chunk", "main/3"},
		{"main/3", "https://a.test/a.verylongextension", "main/3"},
		{"main/3", "https://a.test/a.$(x)", "main/3"},
		{"../../etc/passwd", "", "__-e90583b4/__-e90583b4/etc/passwd"},
		{"variant:1:2/3", "https://a.test/x.ts", "variant_1_2-c55e89ed/3.ts"},
		{strings.Repeat("x", 101) + "/1", "", strings.Repeat("x", 91) + "-"},
		{strings.Repeat("x", 100) + "/1", "", strings.Repeat("x", 100) + "/1"},
	} {
		got := segmentFile(timeline.Segment{Key: segments.Key(c.key), URL: c.url})
		if !strings.HasPrefix(got, c.want) || strings.HasSuffix(c.want, "/1") && got != c.want {
			t.Errorf("%s: %s, want %s", c.key, got, c.want)
		}
		if !filepath.IsLocal(filepath.FromSlash(got)) {
			t.Errorf("%s leaves the folder", got)
		}
	}
	if trackFolder("a:b") == trackFolder("a_b") || trackFolder("a/b") == trackFolder("a_b") {
		t.Error("two tracks share a folder")
	}
	for url, want := range map[string]string{
		"https://a.test/film/Film%20One.mpd?x": "Film_One-", "https://a.test/": "manifest.mpd", "https://a.test/x.php": "x.mpd", "://": "manifest.mpd",
	} {
		if got := manifestFile(&timeline.Presentation{URL: url, Format: timeline.DASH}); !strings.HasPrefix(got, want) || filepath.Ext(got) != ".mpd" {
			t.Errorf("%s: %s, want %s", url, got, want)
		}
	}
}

// TestThrottle downloads three seconds' worth at a cap; half a second's worth is
// free.
func TestThrottle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const rate, size = 800_000, 300_000 // bit/s, bytes
		transport := Throttle(direct{http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Write(make([]byte, size))
		})}, NewRate(rate))
		begun := time.Now()
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://a.test/", nil)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := transport.RoundTrip(r)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		n, err := io.Copy(io.Discard, resp.Body)
		if n != size || err != nil {
			t.Fatalf("%d bytes: %v", n, err)
		}
		if took, want := time.Since(begun), 2500*time.Millisecond; (took - want).Abs() > 50*time.Millisecond {
			t.Errorf("took %s, want %s", took, want)
		}
		begun = time.Now()
		limit := NewRate(8) // a byte a second: a read still gets through
		if err := pay(t.Context(), limit, minBurst+5); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(begun).Round(time.Millisecond); took != 5*time.Second {
			t.Errorf("five bytes past the burst were paid in %s", took)
		}
	})
}

// TestRateHoldsForARun caps a whole run in virtual time.
func TestRateHoldsForARun(t *testing.T) {
	docs := library{"/film.mpd": severalPeriods}
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		limit := NewRate(1_000_000)
		client := &http.Client{Transport: Throttle(direct{docs}, limit)}
		config, done := over(t, client, "https://cdn.test/film.mpd", Config{Tracks: "all", Out: dir, Rate: limit})
		defer done()
		r, err := Run(t.Context(), config)
		if err != nil {
			t.Fatal(err)
		}
		want := float64(r.Bytes-62_500) * 8 / 1e6 // half a second is free, the manifest not counted
		if r.Seconds < want || r.Seconds > want+0.5 {
			t.Errorf("%d bytes (%d from the origin) at 1 Mbit/s took %.2f s, want %.2f", r.Bytes, r.Origin, r.Seconds, want)
		}
	})
}

// TestVouched refetches what is held but is not what was signed, and refuses what
// arrives so.
func TestVouched(t *testing.T) {
	docs := library{"/film.mpd": severalPeriods}
	dir := t.TempDir()
	client := &http.Client{Transport: direct{docs}}
	digests := map[segments.Key]segments.Digest{}
	vouched := func(k segments.Key) (segments.Digest, bool) {
		d, ok := digests[k]
		return d, ok
	}
	run := func() (Report, error) {
		config, done := over(t, client, "https://cdn.test/film.mpd", Config{Tracks: "film/a1", Out: dir, Vouched: vouched})
		defer done()
		return Run(t.Context(), config)
	}
	if r, err := run(); err != nil || r.Segments != 4 || r.Verified != 0 {
		t.Fatalf("%+v: %v", r, err)
	}
	file := filepath.Join(dir, "film", "a1", "t96256.m4s")
	good, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	digests["film/a1/t96256"] = digestOf(good)
	if err := os.WriteFile(file, append([]byte("bad"), good[3:]...), 0o600); err != nil {
		t.Fatal(err)
	}
	r, err := run()
	if err != nil || r.Held != 3 || r.Verified != 1 {
		t.Errorf("a damaged file: %+v: %v", r, err)
	}
	if again, err := os.ReadFile(file); err != nil || !bytes.Equal(again, good) {
		t.Errorf("it was not fetched again: %v", err)
	}
	digests["film/a1/t0"] = digestOf([]byte("something else"))
	r, err = run()
	if !errors.Is(err, errDigest) {
		t.Errorf("%v, want %v", err, errDigest)
	}
	if diff := cmp.Diff([]string{"film/a1/t0"}, r.Failed); diff != "" {
		t.Error(diff)
	}
}

func TestConfigIsChecked(t *testing.T) {
	for _, c := range []struct {
		config Config
		ok     bool
	}{
		{Config{}, true}, {Config{Jobs: MaxJobs}, true}, {Config{Jobs: MaxJobs + 1}, false},
		{Config{Jobs: -1}, false}, {Config{Window: -1}, false}, {Config{Duration: -1}, false},
	} {
		if err := c.config.populate(); (err == nil) != c.ok {
			t.Errorf("%+v: %v", c.config, err)
		}
	}
}
