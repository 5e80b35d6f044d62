package origin

import (
	"bytes"
	"context"
	"net/http/httptest"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"
)

// frame is one line of ffmpeg's framecrc muxer: a decoded frame.
type frame struct {
	pts      int64
	duration int64
	crc      string
}

// harmless is said of every live HLS stream with EXT-X-MAP: ffmpeg's demuxer
// feeds the init segment again after each playlist reload.
const harmless = "Found duplicated MOOV Atom. Skipped it"

// decode plays url for the given time with ffmpeg and returns the decoded video
// and audio frames. Anything that ffmpeg warns about fails the test.
func decode(t *testing.T, url string, seconds int, input ...string) (video, audio []frame) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 90*time.Second)
	defer cancel()
	args := append([]string{"-hide_banner", "-nostdin", "-loglevel", "warning"}, input...)
	args = append(args, "-i", url, "-t", strconv.Itoa(seconds),
		"-map", "0:v:0", "-map", "0:a:0", "-fps_mode", "passthrough", "-enc_time_base", "-1", "-f", "framecrc", "-")
	command := exec.CommandContext(ctx, "ffmpeg", args...)
	var out, warnings bytes.Buffer
	command.Stdout, command.Stderr = &out, &warnings
	if err := command.Run(); err != nil {
		t.Fatalf("ffmpeg %s: %v\n%s", strings.Join(args, " "), err, warnings.Bytes())
	}
	for warning := range strings.Lines(warnings.String()) {
		if !strings.Contains(warning, harmless) {
			t.Errorf("ffmpeg warned: %s", warning)
		}
	}
	for line := range strings.Lines(out.String()) {
		fields := strings.FieldsFunc(line, func(r rune) bool { return r == ',' || r == ' ' || r == '\n' })
		if len(fields) < 6 || fields[0] == "#" || strings.HasPrefix(line, "#") {
			continue
		}
		pts, err1 := strconv.ParseInt(fields[2], 10, 64)
		duration, err2 := strconv.ParseInt(fields[3], 10, 64)
		if err1 != nil || err2 != nil {
			t.Fatalf("framecrc line %q", line)
		}
		f := frame{pts: pts, duration: duration, crc: fields[5]}
		if fields[0] == "0" {
			video = append(video, f)
		} else {
			audio = append(audio, f)
		}
	}
	return video, audio
}

func needFFmpeg(t *testing.T) {
	t.Helper()
	if _, err := exec.LookPath("ffmpeg"); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatalf("CI must have ffmpeg: %v", err)
		}
		t.Skipf("no ffmpeg: %v", err)
	}
	if testing.Short() {
		t.Skip("decodes more than a minute of video; not with -short")
	}
}

// checkSteady asserts that frames follow one another without gap or overlap, and
// that there are enough for the seconds asked, but for one segment: a track may
// start that much later than the other.
func checkSteady(t *testing.T, what string, frames []frame, seconds int, rate float64) {
	t.Helper()
	least := int(float64(seconds-2)*rate) - 1
	if len(frames) < least {
		t.Fatalf("%s: %d frames decoded, want %d", what, len(frames), least)
	}
	step := frames[1].pts - frames[0].pts
	for i := 1; i < len(frames); i++ {
		if d := frames[i].pts - frames[i-1].pts; d != step {
			t.Fatalf("%s: frame %d comes %d ticks after the one before, want %d", what, i, d, step)
		}
	}
}

// TestFFmpegPlaysOverTheLoop decodes every manifest over two loop points. Video
// frames must repeat exactly from round to round: the decoder took no damage at
// the join. The origin's clock is two minutes ahead of ffmpeg's, so that a live
// stream plays as fast as it decodes.
func TestFFmpegPlaysOverTheLoop(t *testing.T) {
	needFFmpeg(t)
	const (
		framesPerLoop = loopSegments * 2 * frameRate
		ahead         = 2 * time.Minute
		// The origin stands 4 s past a loop point. Given a SegmentTimeline, ffmpeg
		// starts 60 s before its end: 57 s reach over two of them. Given HLS, it is
		// told to start 40 s into the window, which does not slide away meanwhile.
		since = 13*loopSegments*SegmentDuration + 4*time.Second - ahead
	)
	for _, tt := range []struct {
		path    string
		seconds int
		input   []string
	}{
		{"/live/master.m3u8", 70, []string{"-live_start_index", "20"}},
		{"/live/manifest.mpd", 70, nil},
		{"/live/timeline.mpd", 57, nil},
		{"/vod/master.m3u8", 70, nil},
		{"/vod/manifest.mpd", 70, nil},
		{"/vod/timeline.mpd", 70, nil},
	} {
		t.Run(tt.path, func(t *testing.T) {
			t.Parallel()
			o, err := New(Config{
				Epoch:       time.Now().Add(-since),
				Now:         func() time.Time { return time.Now().Add(ahead) },
				Window:      4 * time.Minute,
				VODSegments: 40,
			})
			if err != nil {
				t.Fatal(err)
			}
			server := httptest.NewServer(o)
			defer server.Close()
			video, audio := decode(t, server.URL+tt.path, tt.seconds, tt.input...)
			checkSteady(t, "video", video, tt.seconds, frameRate)
			checkSteady(t, "audio", audio, tt.seconds, 48000.0/1024)
			for i := framesPerLoop; i < len(video); i++ {
				if video[i].crc != video[i-framesPerLoop].crc {
					t.Fatalf("video frame %d differs from the same frame a round earlier", i)
				}
			}
		})
	}
}

// TestFFmpegFollowsLive plays at the live edge in real time, over a loop point
// that falls into the first seconds.
func TestFFmpegFollowsLive(t *testing.T) {
	needFFmpeg(t)
	const seconds = 8
	for path, input := range map[string][]string{
		"/live/manifest.mpd": {"-re"}, // at the edge ffmpeg's DASH demuxer skips what is not there yet, instead of waiting
		"/live/master.m3u8":  nil,
	} {
		t.Run(path, func(t *testing.T) {
			t.Parallel()
			o, err := New(Config{Epoch: time.Now().Add(-(2*loopSegments + 2) * 2 * time.Second)})
			if err != nil {
				t.Fatal(err)
			}
			server := httptest.NewServer(o)
			defer server.Close()
			video, audio := decode(t, server.URL+path, seconds, input...)
			checkSteady(t, "video", video, seconds, frameRate)
			checkSteady(t, "audio", audio, seconds, 48000.0/1024)
		})
	}
}
