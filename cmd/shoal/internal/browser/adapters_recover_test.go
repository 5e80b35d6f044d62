package browser

import (
	"fmt"
	"testing"
)

// TestAdaptersEngineFails breaks the engine while players play: they must not notice.
func TestAdaptersEngineFails(t *testing.T) {
	c := startChromium(t)
	for _, test := range []struct{ player, url, how string }{
		{"dash", "/live/manifest.mpd", "reject"},
		{"dash", "/live/manifest.mpd", "hang"},
		{"hls", "/live/master.m3u8", "cut"},
		{"hls", "/live/master.m3u8", "hang"},
		{"shaka", "/live/timeline.mpd", "cut"},
		{"shaka", "/live/manifest.mpd", "reject"},
	} {
		t.Run(test.player+" "+test.how, func(t *testing.T) {
			t.Parallel()
			s := newAdapterStage(t)
			tb := c.newProfile(t).open(t, test.player+" "+test.how, s.URL)
			eval[bool](t, tb, fmt.Sprintf("play(%q, %q, true).then(() => true)", test.player, test.url))
			tb.when(t, "played() > 3") // what a player does in its first seconds is its own
			eval[bool](t, tb, fmt.Sprintf("(recorded.broken = %q, window.at = video.currentTime, window.stalled = stalls, true)", test.how))
			tb.when(t, "video.currentTime > at + 8")
			if len(s.took()) == 0 {
				t.Error("no segment was asked for plainly")
			}
			if errs := eval[[]string](t, tb, "errors"); len(errs) > 0 {
				t.Errorf("errors: %v", errs)
			}
			// An engine that answers nothing is given up after 4 s at the soonest.
			if stalls := eval[int](t, tb, "stalls - stalled"); stalls > 0 && test.how != "hang" {
				t.Errorf("%d stalls", stalls)
			}
		})
	}
}

// TestAdaptersRecover takes the players through what they do when something is
// wrong, or the viewer wants something else: segments go on coming through the engine.
func TestAdaptersRecover(t *testing.T) {
	c := startChromium(t)
	for _, test := range []struct{ name, player, url, act string }{
		{"hls.js recovers from a media error", "hls", "/vod/master.m3u8", "player.recoverMediaError()"},
		{"hls.js reloads", "hls", "/vod/master.m3u8", "(player.stopLoad(), player.startLoad())"},
		{"hls.js switches quality", "hls", "/vod/master.m3u8", "player.nextLevel = 0"},
		{"hls.js seeks", "hls", "/vod/master.m3u8", "video.currentTime = 100"},
		{"dash.js seeks", "dash", "/vod/manifest.mpd", "player.seek(100)"},
		{"dash.js switches quality", "dash", "/vod/manifest.mpd", `(player.updateSettings({ streaming: { abr: { autoSwitchBitrate: { video: false } } } }), player.setRepresentationForTypeByIndex("video", 0, true))`},
		{"dash.js attaches again", "dash", "/vod/manifest.mpd", "(player.attachSource(new URL('/vod/timeline.mpd', location).href), player.play())"},
		{"Shaka seeks", "shaka", "/vod/manifest.mpd", "video.currentTime = 100"},
		{"Shaka retries", "shaka", "/vod/manifest.mpd", "player.retryStreaming(0)"},
		{"Shaka switches quality", "shaka", "/vod/manifest.mpd", "(player.configure('abr.enabled', false), player.selectVariantTrack(player.getVariantTracks().filter(t => t.language == 'en').sort((a, b) => a.bandwidth - b.bandwidth)[0]))"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			s := newAdapterStage(t)
			tb := c.newProfile(t).open(t, test.name, s.URL)
			eval[bool](t, tb, fmt.Sprintf("play(%q, %q, true).then(() => true)", test.player, test.url))
			tb.when(t, "played() > 1")
			eval[bool](t, tb, fmt.Sprintf("(window.asked = recorded.requests.length, %s, window.moved = false, video.play().catch(() => {}), true)", test.act))
			eval[bool](t, tb, "(video.addEventListener('timeupdate', () => window.moved = true), true)")
			tb.when(t, "recorded.requests.length > asked && moved && !video.seeking && video.readyState >= 3")
			eval[bool](t, tb, "(window.at = video.currentTime, true)")
			tb.when(t, "video.currentTime > at + 1")
			if direct := s.took(); len(direct) > 0 {
				t.Errorf("went past the engine: %v", direct)
			}
			if errs := eval[[]string](t, tb, "errors"); len(errs) > 0 {
				t.Errorf("errors: %v", errs)
			}
		})
	}
}

// TestAdaptersKeepPeers: hls.recoverMediaError() and a seek of dash.js leave p2p running.
func TestAdaptersKeepPeers(t *testing.T) {
	t.Parallel()
	c := startChromium(t)
	for _, test := range []struct{ player, url, act string }{
		{"hls", "/live/master.m3u8", "player.recoverMediaError()"},
		{"dash", "/live/manifest.mpd", "player.seekToOriginalLive()"},
		{"shaka", "/live/manifest.mpd", "player.goToLive()"},
	} {
		t.Run(test.player, func(t *testing.T) {
			s := newAdapterStage(t)
			var tabs []*tab
			for i := range 2 {
				tb := c.newProfile(t).open(t, fmt.Sprintf("%s %d", test.player, i+1), s.URL+"/?peer")
				eval[bool](t, tb, fmt.Sprintf("play(%q, %q, true).then(() => true)", test.player, test.url))
				tabs = append(tabs, tb)
			}
			for _, tb := range tabs {
				tb.when(t, "played() > 0 && shoal.stats()[0].peers == 1")
			}
			for _, tb := range tabs {
				eval[bool](t, tb, fmt.Sprintf("(window.was = shoal.stats()[0], %s, video.play().catch(() => {}), true)", test.act))
			}
			const exchanged = "(s => s.peerBytes + s.sentBytes - was.peerBytes - was.sentBytes)(shoal.stats()[0])"
			for _, tb := range tabs {
				tb.when(t, exchanged+" > 200e3 && shoal.stats()[0].peers == 1")
				tb.when(t, "window.at ? video.currentTime > at + 1 : (window.at = video.currentTime, false)")
				if errs := eval[[]string](t, tb, "errors"); len(errs) > 0 {
					t.Errorf("%s: %v", tb.name, errs)
				}
			}
		})
	}
}
