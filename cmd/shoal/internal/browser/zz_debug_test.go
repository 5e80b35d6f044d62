package browser

import (
	"fmt"
	"testing"
)

func TestZZ(t *testing.T) {
	c := startChromium(t)
	s := newAdapterStage(t)
	var tabs []*tab
	for i := range 2 {
		tb := c.newProfile(t).open(t, fmt.Sprintf("%d", i), s.URL+"/?peer&debug")
		eval[bool](t, tb, `play("hls", "/live/master.m3u8", true).then(() => true)`)
		tabs = append(tabs, tb)
	}
	for _, tb := range tabs {
		tb.when(t, "played() > 6")
		t.Logf("%s: %s", tb.name, eval[string](t, tb, "JSON.stringify([frames, shoal.stats()[0].peers, errors, stalls])"))
	}
}
