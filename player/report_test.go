package player

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestSummarize(t *testing.T) {
	ms := func(n ...int) (ds []time.Duration) {
		for _, v := range n {
			ds = append(ds, time.Duration(v)*time.Millisecond)
		}
		return ds
	}
	viewer := Measurement{
		Seconds: 10, Format: "dash", Live: true, OriginBytes: 100, PeerBytes: 900, ConsumedBytes: 1000, DuplicateBytes: 5,
		Startup: 200 * time.Millisecond, Deliveries: ms(30, 10, 20), Segments: map[string]int64{"v/1": 600, "v/2": 400},
		Stalls: 1, Stalled: 1500 * time.Millisecond, Rejected: 2, Integrity: "signed",
	}
	other := viewer
	other.OriginBytes, other.Deliveries, other.Startup, other.Integrity = 0, ms(40), 0, "cross-checked"
	got, err := json.Marshal(Summarize([]Measurement{viewer, other}, 900))
	if err != nil {
		t.Fatal(err)
	}
	want := `{"viewers":2,"seconds":10,"mode":"live","format":"dash","origin_bytes":1000,"peer_bytes":1800,"consumed_bytes":2000,` +
		`"offload":0.5,"ideal_offload":0.5,"origin_copies":1,"duplicate_bytes":10,"startup_ms":{"p50":200,"p95":200},` +
		`"delivery_ms":{"p50":20,"p95":40,"max":40},"stalls":2,"stall_ms":3000,"pieces_rejected":4,"integrity":"cross-checked"}`
	if diff := cmp.Diff(want, string(got)); diff != "" {
		t.Error(diff)
	}
	empty, err := json.Marshal(Summarize(nil, 0))
	if err != nil || !json.Valid(empty) { // a NaN would be an error
		t.Errorf("%s, %v", empty, err)
	}
}

func TestPlayback(t *testing.T) {
	p := newPlayback(2)
	if p.deliver(at(0), 0, 2*time.Second) {
		t.Error("began without its second lane")
	}
	if !p.deliver(at(0.5), 1, 2*time.Second) {
		t.Error("did not begin with both")
	}
	p.begin(at(0.5), 0)
	p.deliver(at(1), 0, 4*time.Second)
	if b := p.buffer(at(1.5)); b != time.Second {
		t.Errorf("buffer %v, want what the shorter lane has", b)
	}
	if s := p.stalled(at(4)); s != 0 || p.stalls != 0 {
		t.Errorf("looking ahead of advance: %v", s)
	}
	p.advance(at(4)) // lane 1 ended at 2.5
	if p.stalls != 1 || p.stalled(at(4)) != 1500*time.Millisecond {
		t.Errorf("%d stalls of %v", p.stalls, p.stalled(at(4)))
	}
	p.deliver(at(4.5), 1, 6*time.Second)
	if p.stalled(at(9)) != 2*time.Second || p.position != 2*time.Second {
		t.Errorf("stalled %v at %v", p.stalled(at(9)), p.position)
	}
	p.end = 4 * time.Second
	p.advance(at(7))
	if !p.ended || p.stalls != 1 || p.position != 4*time.Second {
		t.Errorf("the end counts as a stall: %+v", p)
	}
}

// A segment that is given up leaves a hole, which must not pass for smooth play.
func TestPlaybackCountsHoles(t *testing.T) {
	p := newPlayback(1)
	p.jump(0, 2*time.Second)
	if p.stalls != 0 {
		t.Errorf("%d stalls before playback began", p.stalls)
	}
	p.deliver(at(0), 0, 4*time.Second)
	p.begin(at(0), 2*time.Second)
	p.jump(0, 6*time.Second)
	p.advance(at(4))
	if p.stalls != 1 || p.stalled(at(4)) != 2*time.Second || p.position != 6*time.Second {
		t.Errorf("%d stalls of %v at %v; want one of the hole's 2 s, and play to go on", p.stalls, p.stalled(at(4)), p.position)
	}
}

func TestManifestLocations(t *testing.T) {
	mpd := `<MPD><Location>https://b.example/x.mpd?t=1&amp;u=2</Location><PatchLocation ttl="3"> p.mpp </PatchLocation><Period><Location>/no</Location></Period></MPD>`
	want := []string{"https://b.example/x.mpd?t=1&u=2", "https://a.example/live/p.mpp"}
	if diff := cmp.Diff(want, manifestLocations("https://a.example/live/x.mpd", []byte(mpd))); diff != "" {
		t.Error(diff)
	}
	for _, none := range []string{"", "#EXTM3U\n", "<MPD>Location", "<MPD><Location>::</Location></MPD>"} {
		if got := manifestLocations("https://a.example/x", []byte(none)); len(got) != 0 {
			t.Errorf("%q has %v", none, got)
		}
	}
}

func FuzzParseRange(f *testing.F) {
	for _, s := range []string{"bytes=0-1", "bytes=-5", "bytes=5-", "bytes=-0", "bytes=9-1", "bytes=99999999999999999999-"} {
		f.Add(s, int64(10))
	}
	f.Fuzz(func(t *testing.T, spec string, size int64) {
		size = max(size, 0)
		r, ok := parseRange(map[string][]string{"Range": {spec}})
		if !ok {
			return
		}
		offset, length, ok := r.within(size)
		if ok && (offset < 0 || length <= 0 || offset+length > size) {
			t.Fatalf("%q of %d bytes: %d bytes from %d", spec, size, length, offset)
		}
	})
}

func FuzzTarget(f *testing.F) {
	f.Add("/https/cdn.example/a.mpd", "q=1")
	f.Add("/http/[::1]:80//", "")
	f.Add("/http/%31.example/..%2f", "a=%")
	f.Fuzz(func(t *testing.T, path, query string) {
		u, err := target(path, query)
		if err != nil {
			return
		}
		if u.User != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
			t.Fatalf("%q became %v", path, u)
		}
	})
}
