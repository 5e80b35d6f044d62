package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/shoal-p2p/shoal/cmd/shoal/internal/origin"
)

// harmless is an error line that ffmpeg 5.1 writes for every live HLS stream with
// EXT-X-MAP, also without us: its demuxer reads the init segment again after each
// reload of the playlist.
const harmless = "Found duplicated MOOV Atom. Skipped it"

const (
	frameRate  = 25.0
	sampleRate = 48000.0
	aacFrame   = 1024.0
)

// TestFFmpegPlaysThroughTheProxy decodes DASH and HLS, live and VOD, through one
// gateway process that shares with nobody. Not a line of complaint is allowed,
// nor a missing frame.
func TestFFmpegPlaysThroughTheProxy(t *testing.T) {
	story(t)
	t.Parallel()
	for _, tool := range []string{"ffmpeg", "ffprobe"} {
		if _, err := exec.LookPath(tool); err != nil {
			missing(t, "no %s: %v", tool, err)
		}
	}
	o := newStage(t, origin.Config{VODSegments: 10})
	gateway, base := o.proxy(t)
	// ffmpeg begins a SegmentTimeline at the oldest segment, and leaves one out when that
	// has gone by the time it wants the next. Nothing of this stream has gone.
	young := newStage(t, origin.Config{Window: 10 * time.Minute, Epoch: time.Now().Add(-30 * time.Second).Truncate(origin.SegmentDuration)})
	_, youngBase := young.proxy(t)
	plays := []struct {
		path    string
		url     string
		seconds int
	}{
		{"live/manifest.mpd", o.through(base, "/live/manifest.mpd"), 14},
		{"live/timeline.mpd", young.through(youngBase, "/live/timeline.mpd"), 14},
		{"live/master.m3u8", o.through(base, "/live/master.m3u8"), 14},
		{"vod/manifest.mpd", o.through(base, "/vod/manifest.mpd"), 18},
		{"vod/timeline.mpd", o.through(base, "/vod/timeline.mpd"), 18},
		{"vod/master.m3u8", o.through(base, "/vod/master.m3u8"), 18},
	}
	heard := make([]heard, len(plays))
	var all errgroup.Group
	for i, p := range plays {
		all.Go(func() error {
			heard[i] = decode(t.Context(), p.url, p.seconds)
			return nil
		})
	}
	all.Wait()
	for i, p := range plays {
		t.Run(p.path, func(t *testing.T) { heard[i].check(t, p.seconds) })
	}
	if m := gateway.metrics(t); m["shoal_peer_segments_total"] == 0 {
		t.Error("no segment went through the gateway's peer: ffmpeg was passed on to the origin")
	}
}

// heard is what came of one run of ffmpeg and ffprobe.
type heard struct {
	errs                       []error
	complaints                 string
	video, audio               []int64 // time stamps of decoded frames, in 1/frameRate s and samples
	videoStreams, audioStreams int
}

func decode(ctx context.Context, url string, seconds int) (h heard) {
	ctx, cancel := context.WithTimeout(ctx, time.Duration(seconds)*time.Second+patience)
	defer cancel()
	probe := exec.CommandContext(ctx, "ffprobe", "-v", "error", "-show_streams", "-of", "json", url)
	var complaints bytes.Buffer
	probe.Stderr = &complaints
	out, err := probe.Output()
	if err != nil {
		h.errs = append(h.errs, err)
	}
	var streams struct {
		Streams []struct {
			Type string `json:"codec_type"`
		}
	}
	if err := json.Unmarshal(out, &streams); err != nil {
		h.errs = append(h.errs, err)
	}
	for _, s := range streams.Streams {
		switch s.Type {
		case "video":
			h.videoStreams++
		case "audio":
			h.audioStreams++
		}
	}
	play := exec.CommandContext(ctx, "ffmpeg", "-hide_banner", "-nostdin", "-v", "error", "-i", url, "-t", strconv.Itoa(seconds),
		"-map", "0:v:0", "-map", "0:a:0", "-fps_mode", "passthrough", "-enc_time_base", "-1", "-f", "framecrc", "-")
	play.Stderr = &complaints
	if out, err = play.Output(); err != nil {
		h.errs = append(h.errs, err)
	}
	h.complaints = complaints.String()
	for line := range strings.Lines(string(out)) {
		field := strings.FieldsFunc(line, func(r rune) bool { return r == ',' || r == ' ' || r == '\n' })
		if len(field) < 6 || strings.HasPrefix(line, "#") {
			continue
		}
		pts, err := strconv.ParseInt(field[2], 10, 64)
		if err != nil {
			h.errs = append(h.errs, err)
		}
		if field[0] == "0" {
			h.video = append(h.video, pts)
		} else {
			h.audio = append(h.audio, pts)
		}
	}
	return h
}

func (h heard) check(t *testing.T, seconds int) {
	t.Helper()
	for _, err := range h.errs {
		t.Error(err)
	}
	for line := range strings.Lines(h.complaints) {
		if !strings.Contains(line, harmless) {
			t.Errorf("complaint: %s", line)
		}
	}
	if h.videoStreams == 0 || h.audioStreams == 0 {
		t.Errorf("ffprobe found %d video and %d audio streams", h.videoStreams, h.audioStreams)
	}
	// One track may start up to a segment after the other.
	span := float64(seconds) - origin.SegmentDuration.Seconds()
	steady(t, "video", h.video, int(span*frameRate)-1)
	steady(t, "audio", h.audio, int(span*sampleRate/aacFrame)-1)
}

// steady asserts that frames follow one another without gap or overlap.
func steady(t *testing.T, what string, pts []int64, least int) {
	t.Helper()
	if len(pts) < max(least, 2) {
		t.Errorf("%d %s frames decoded, want %d", len(pts), what, least)
		return
	}
	step := pts[1] - pts[0]
	for i := 1; i < len(pts); i++ {
		if d := pts[i] - pts[i-1]; d != step {
			t.Errorf("%s frame %d comes %d ticks after the one before, want %d", what, i, d, step)
			return
		}
	}
}
