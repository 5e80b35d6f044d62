package e2e

import (
	"testing"
	"time"

	"github.com/shoal-p2p/shoal/segments"
	"github.com/shoal-p2p/shoal/signal"
)

const (
	// firstChunk is how long after the origin's first chunk a peer's may come.
	firstChunk = 300 * time.Millisecond
	// edgeTime is how long viewers are measured at the live edge.
	edgeTime = 20 * time.Second
)

// reportDelays logs the delays of one viewer and holds their median against most.
func reportDelays(t *testing.T, who string, delays []time.Duration, least int, most time.Duration) {
	t.Helper()
	if len(delays) < least {
		t.Errorf("%s: %d segments by peers at the live edge, want %d", who, len(delays), least)
		return
	}
	median, p95 := delays[len(delays)/2], delays[len(delays)*95/100]
	t.Logf("%s: first chunk of %d segments by peers after the origin's: median %v, p95 %v, max %v",
		who, len(delays), median.Round(time.Millisecond), p95.Round(time.Millisecond), delays[len(delays)-1].Round(time.Millisecond))
	if median > most {
		t.Errorf("%s: half of the first chunks come more than %v after the origin's, want %v", who, median, most)
	}
}

func newTestSigner(t *testing.T) *segments.Signer {
	t.Helper()
	key, err := segments.GenerateKey()
	if err != nil {
		t.Fatal(err)
	}
	return segments.NewSigner(key)
}

// TestLowLatencyDASH: a segment of 2 s comes in chunks of 0.5 s, the first of
// which the origin has 1.5 s before the segment is whole. Viewers get it from the
// seed, and from each other, while it is being made.
func TestLowLatencyDASH(t *testing.T) {
	story(t)
	t.Parallel()
	o := watchOrigin(t, livesim(t))
	signer := newTestSigner(t)
	signalURL := meeting(t, signal.Config{SigningKey: signer.Public()})
	stream := o.URL + "/livesim2/utc_direct/ato_1.5/chunkdur_0.5/ltgt_2500/testpic_2s/Manifest.mpd"
	seed := frontline(t, 0, signalURL, stream, signer, true)
	seed.seed(t, "best")
	viewers := []*frontliner{frontline(t, 1, signalURL, stream, signer, false), frontline(t, 2, signalURL, stream, signer, false)}
	for _, v := range viewers {
		v.watch(t, true)
	}
	for _, v := range viewers {
		v.live(t, 2, 4)
	}
	since := time.Now()
	<-time.After(edgeTime)
	for i, v := range viewers {
		// 20 segments of two tracks are played; the first and the last may be cut off,
		// and a busy machine makes viewers ask the origin.
		reportDelays(t, []string{"first viewer", "second viewer"}[i], v.behind(t, o, since), 10, firstChunk)
		if s := v.Stats(); s.Rejected != 0 || s.Integrity != "signed" {
			t.Errorf("%d pieces rejected, integrity %s", s.Rejected, s.Integrity)
		}
	}
}
