package prefetch

import (
	"bytes"
	"encoding/json"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"testing"
	"time"

	"github.com/shoal-p2p/shoal/cmd/shoal/internal/origin"
)

// TestCopyPlays has ffprobe read copies of VOD and of a live stream to the end.
func TestCopyPlays(t *testing.T) {
	ffprobe, err := exec.LookPath("ffprobe")
	if err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal("CI has no ffprobe")
		}
		t.Skip("no ffprobe to play copies with")
	}
	o, err := origin.New(origin.Config{VODSegments: 8})
	if err != nil {
		t.Fatal(err)
	}
	client := &http.Client{Transport: direct{o}}
	for path, c := range map[string]Config{
		"/vod/manifest.mpd": {}, "/vod/master.m3u8": {Tracks: "all"},
		"/live/timeline.mpd": {Window: 16 * time.Second}, "/live/master.m3u8": {Window: 16 * time.Second},
	} {
		t.Run(path, func(t *testing.T) {
			dir := t.TempDir()
			c.Out = dir
			config, done := over(t, client, "http://origin.test"+path, c)
			r, err := Run(t.Context(), config)
			done()
			if err != nil {
				t.Fatal(err)
			}
			var out, warnings bytes.Buffer
			cmd := exec.CommandContext(t.Context(), ffprobe, "-v", "warning", "-count_packets", "-show_entries", "stream=codec_type,nb_read_packets", "-of", "json", served(t, dir)+r.Copy)
			cmd.Stdout, cmd.Stderr = &out, &warnings
			if err := cmd.Run(); err != nil {
				t.Fatalf("%v: %s", err, &warnings)
			}
			var probed struct {
				Streams []struct {
					Kind    string `json:"codec_type"`
					Packets string `json:"nb_read_packets"`
				} `json:"streams"`
			}
			if err := json.Unmarshal(out.Bytes(), &probed); err != nil {
				t.Fatal(err)
			}
			kinds := map[string]int{}
			for _, s := range probed.Streams {
				n, _ := strconv.Atoi(s.Packets)
				kinds[s.Kind] = max(kinds[s.Kind], n)
			}
			// 16 s of AAC are 750 packets, of 25 frames a second 400.
			if kinds["video"] < 370 || kinds["audio"] < 700 {
				t.Errorf("%v packets were played; it said: %s", kinds, &warnings)
			}
		})
	}
}
