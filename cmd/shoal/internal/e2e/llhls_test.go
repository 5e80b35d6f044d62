package e2e

import (
	"fmt"
	"io"
	"net/http"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/shoal-p2p/shoal/signal"
)

// llhlsCommand is built once.
var llhlsCommand = sync.OnceValues(func() (string, error) {
	bin := filepath.Join(scratch, "llhls")
	if out, err := exec.Command("go", "build", "-C", filepath.Join("testdata", "llhls"), "-o", bin, ".").CombinedOutput(); err != nil {
		return "", fmt.Errorf("testdata/llhls cannot be built: %w\n%s", err, out)
	}
	return bin, nil
})

// llhls runs a low-latency HLS origin that nobody here wrote, gohlslib's muxer
// (testdata/llhls), fed by ffmpeg in real time: segments of 2 s in parts of 0.5 s.
// It returns the multivariant playlist's URL.
func llhls(t *testing.T) string {
	t.Helper()
	ffmpeg, err := exec.LookPath("ffmpeg")
	if err != nil {
		missing(t, "no ffmpeg: %v", err)
	}
	bin, err := llhlsCommand()
	if err != nil {
		missing(t, "%v", err)
	}
	encoder := exec.Command(ffmpeg, "-nostdin", "-loglevel", "error", "-re",
		"-f", "lavfi", "-i", "testsrc2=size=320x180:rate=25", "-f", "lavfi", "-i", "sine=frequency=440:sample_rate=48000",
		"-c:v", "libx264", "-preset", "ultrafast", "-tune", "zerolatency", "-pix_fmt", "yuv420p", "-b:v", "400k", "-g", "50", "-sc_threshold", "0",
		"-c:a", "aac", "-b:a", "64k", "-f", "mpegts", "-muxdelay", "0", "-")
	media, err := encoder.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	p := &process{name: bin, cmd: exec.Command(bin), done: make(chan struct{})}
	p.cmd.Stdin, p.cmd.Stdout, p.cmd.Stderr = media, &p.said, &p.said
	if err := encoder.Start(); err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		encoder.Process.Kill()
		t.Fatal(err)
	}
	go func() {
		defer close(p.done)
		p.cmd.Wait()
	}()
	t.Cleanup(func() {
		encoder.Process.Kill()
		encoder.Wait()
		p.kill()
	})
	playlist := p.says(t, `(http://\S+)`)
	// Viewers start some segments behind the edge; a stream that has just begun has
	// none there: gohlslib lists gaps.
	eventually(t, "the muxer lists four segments", func() bool {
		media, err := document(strings.TrimSuffix(playlist, "index.m3u8") + "video1_stream.m3u8")
		return p.ended() || err == nil && strings.Count(media, "#EXTINF")-strings.Count(media, "#EXT-X-GAP") >= 4
	})
	return playlist
}

// document gets a small text.
func document(url string) (string, error) {
	resp, err := http.Get(url)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if resp.StatusCode != http.StatusOK {
		return "", fmt.Errorf("%s: %s", url, resp.Status)
	}
	return string(body), err
}

// TestLowLatencyHLS: the seed asks for the parts that are hinted at and viewers get
// them from peers while the segment is being made.
func TestLowLatencyHLS(t *testing.T) {
	story(t)
	t.Parallel()
	playlist := llhls(t)
	base := strings.TrimSuffix(playlist, "/index.m3u8")
	o := watchOrigin(t, base)
	signer := newTestSigner(t)
	signalURL := meeting(t, signal.Config{SigningKey: signer.Public()})
	stream := o.URL + "/index.m3u8"
	seed := frontline(t, 0, signalURL, stream, signer, true)
	seed.seed(t, "best")
	viewers := []*frontliner{frontline(t, 1, signalURL, stream, signer, false), frontline(t, 2, signalURL, stream, signer, false)}
	for _, v := range viewers {
		v.watch(t, true)
	}
	for _, v := range viewers {
		v.live(t, 2, 8)
	}
	since := time.Now()
	<-time.After(edgeTime)
	for i, v := range viewers {
		// 80 parts of two renditions are played. Where the encoder does not get its
		// share of the processor, parts come later than foretold, and viewers, who
		// have a second in hand, ask the origin for them too.
		reportDelays(t, []string{"first viewer", "second viewer"}[i], v.behind(t, o, since), 10, firstChunk)
		if s := v.Stats(); s.Rejected != 0 || s.Integrity != "signed" {
			t.Errorf("%d pieces rejected, integrity %s", s.Rejected, s.Integrity)
		}
	}
}
