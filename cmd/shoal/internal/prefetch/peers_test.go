package prefetch

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/shoal-p2p/shoal/player"
	"github.com/shoal-p2p/shoal/segments"
	"github.com/shoal-p2p/shoal/signal"
	"github.com/shoal-p2p/shoal/swarm/rtc"
)

// TestPeersBringIt has one run fetch a film from the origin and another, beside it
// in the swarm, fetch it from the first, which has signed it.
func TestPeersBringIt(t *testing.T) {
	count, url := newOrigin(t)
	key, err := segments.GenerateKey()
	if err != nil {
		t.Fatal(err)
	}
	signer := segments.NewSigner(key)
	server := signal.NewServer(signal.Config{SigningKey: signer.Public()})
	defer server.Close()
	meeting := httptest.NewServer(server)
	defer meeting.Close()

	const swarm = "film"
	join := func(signer *segments.Signer) (Config, *segments.View, func()) {
		store, err := segments.OpenStore(segments.StoreConfig{})
		if err != nil {
			t.Fatal(err)
		}
		client := &http.Client{Transport: &http.Transport{}}
		peer, err := player.Dialer(player.Config{Client: client, Store: store, Signer: signer,
			Signal: "ws" + strings.TrimPrefix(meeting.URL, "http"), RTC: rtc.Config{Scope: rtc.LoopbackOnly}})(t.Context(), swarm)
		if err != nil {
			t.Fatal(err)
		}
		source := segments.NewOrigin(segments.OriginConfig{Client: client})
		return Config{URL: url + "/vod/manifest.mpd", Node: peer, Source: &player.Source{Origin: source, Client: client}, Bars: &quiet{}},
			store.View(swarm), func() {
				peer.Close()
				source.Close()
				store.Close()
				client.CloseIdleConnections()
			}
	}
	first, _, done := join(signer)
	defer done()
	first.Alone = true // it need not wait for the second
	if r, err := Run(t.Context(), first); err != nil || r.Origin != r.Bytes {
		t.Fatalf("%+v: %v", r, err)
	}
	before := count.media.Load()
	second, view, done := join(nil)
	defer done()
	second.Out = t.TempDir()
	second.Vouched = func(k segments.Key) (segments.Digest, bool) {
		seg, ok := view.Get(k)
		if !ok || seg.Statement == nil || seg.Statement.Verify(signer.Public(), swarm, k, seg.Leaves) != nil {
			return segments.Digest{}, false
		}
		return seg.Digest, true
	}
	r, err := Run(t.Context(), second)
	if err != nil {
		t.Fatal(err)
	}
	if n := count.media.Load() - before; r.Peers < r.Bytes*9/10 || n > 2 {
		t.Errorf("%d of %d bytes from peers, %d requests to the origin", r.Peers, r.Bytes, n)
	}
	if r.Verified < r.Segments*3/4 { // a statement may be a moment behind the last bytes
		t.Errorf("%d of %d segments were verified against the signer's statements", r.Verified, r.Segments)
	}
	sameAs(t, load(t, url+"/vod/manifest.mpd"), load(t, served(t, second.Out)+r.Copy), 2, 8)
}
