package player

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/shoal-p2p/shoal/manifest"
	"github.com/shoal-p2p/shoal/segments"
	"github.com/shoal-p2p/shoal/swarm/node"
)

// bank is a Node without network, for virtual time: it delivers any segment
// delay after it was asked for and is available.
type bank struct {
	delay func(node.Resource) time.Duration
	fail  func(node.Resource) error
	body  func(node.Resource) []byte // nil: 1000 bytes of no meaning

	mu    sync.Mutex
	got   []deposit
	plans [][]node.Resource
	bytes int64
}

type deposit struct {
	node.Resource
	at time.Time
}

func (b *bank) Now() time.Time { return time.Now() }

func (b *bank) Get(ctx context.Context, r node.Resource) (Stream, error) {
	b.mu.Lock()
	b.got = append(b.got, deposit{r, time.Now()})
	b.bytes += 1000
	b.mu.Unlock()
	if b.fail != nil {
		if err := b.fail(r); err != nil {
			return nil, err
		}
	}
	wait := max(0, time.Until(r.Available))
	if b.delay != nil {
		wait += b.delay(r)
	}
	select {
	case <-time.After(wait):
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	if b.body != nil {
		return &coin{data: b.body(r)}, nil
	}
	return &coin{data: bytes.Repeat([]byte{1}, 1000)}, nil
}

func (b *bank) Plan(rs []node.Resource) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.plans = append(b.plans, rs)
}

func (b *bank) lastPlan() []node.Resource {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.plans) == 0 {
		return nil
	}
	return b.plans[len(b.plans)-1]
}

func (b *bank) requests() []deposit {
	b.mu.Lock()
	defer b.mu.Unlock()
	return append([]deposit(nil), b.got...)
}

func (b *bank) Stats() node.Stats {
	b.mu.Lock()
	defer b.mu.Unlock()
	return node.Stats{OriginBytes: b.bytes, Integrity: "cross-checked"}
}

func (b *bank) Close() error { return nil }

// coin is a whole segment in memory that is handed out as a stream.
type coin struct{ data []byte }

func (c *coin) Size() int64           { return int64(len(c.data)) }
func (c *coin) Meta() segments.Meta   { return segments.Meta{Shareable: true} }
func (c *coin) Cached() bool          { return false }
func (c *coin) Bytes() ([]byte, bool) { return nil, false }
func (c *coin) Close() error          { return nil }
func (c *coin) Reader(offset, length int64) io.ReadCloser {
	end := int64(len(c.data))
	if length >= 0 {
		end = min(end, offset+length)
	}
	return io.NopCloser(bytes.NewReader(c.data[offset:end]))
}

// script is a manifest.Source that writes a manifest for the moment it is asked.
type script func(now time.Time) string

func (s script) Fetch(_ context.Context, r manifest.Request) (manifest.Response, error) {
	return manifest.Response{Status: 200, URL: r.URL, Body: []byte(s(time.Now())), ContentType: "application/dash+xml", Date: time.Now()}, nil
}

// liveMPD is a live stream of 2 s segments in two tracks since start.
func liveMPD(start time.Time) script {
	return func(time.Time) string {
		set := func(kind, id string) string {
			return fmt.Sprintf(`<AdaptationSet contentType="%[1]s" mimeType="%[1]s/mp4"><SegmentTemplate timescale="1" duration="2" startNumber="0" initialization="%[2]s/init.mp4" media="%[2]s/$Number$.m4s"/><Representation id="%[2]s" bandwidth="4000"/></AdaptationSet>`, kind, id)
		}
		return fmt.Sprintf(`<MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="dynamic" availabilityStartTime="%s" minimumUpdatePeriod="PT2S" timeShiftBufferDepth="PT60S" minBufferTime="PT2S" profiles="urn:mpeg:dash:profile:isoff-live:2011"><Period id="p" start="PT0S">%s%s</Period></MPD>`,
			start.UTC().Format(time.RFC3339), set("video", "v"), set("audio", "a"))
	}
}

// vodMPD is seconds of 2 s segments.
func vodMPD(seconds int) script {
	return func(time.Time) string {
		return fmt.Sprintf(`<MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static" mediaPresentationDuration="PT%dS" minBufferTime="PT2S" profiles="urn:mpeg:dash:profile:isoff-live:2011"><Period id="p"><AdaptationSet contentType="video" mimeType="video/mp4"><SegmentTemplate timescale="1" duration="2" startNumber="0" initialization="v/init.mp4" media="v/$Number$.m4s"/><Representation id="v" bandwidth="4000"/><Representation id="w" bandwidth="9000"/></AdaptationSet></Period></MPD>`, seconds)
	}
}
