package manifest

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/shoal-p2p/shoal/manifest/dash"
	"github.com/shoal-p2p/shoal/manifest/hls"
	"github.com/shoal-p2p/shoal/manifest/timeline"
)

// ErrUnknown is returned for a document that is neither an MPD nor a playlist.
var ErrUnknown = errors.New("neither an MPD (root element MPD) nor an HLS playlist (first line #EXTM3U); is this the manifest's URL?")

// Load fetches and reads one manifest with everything that it refers to: media
// playlists, segment indexes, remote periods, the clock. The URL of the result
// is the one after redirects, or Options.Base.
func Load(ctx context.Context, src Source, url string, o Options) (*timeline.Presentation, error) {
	o = o.withDefaults()
	resp, err := get(ctx, src, Request{URL: url, Last: -1})
	if err != nil {
		return nil, err
	}
	at := resp.URL
	if o.Base != "" {
		at = o.Base
	}
	return read(ctx, src, at, resp.Body, o)
}

func read(ctx context.Context, src Source, url string, body []byte, o Options) (*timeline.Presentation, error) {
	fetchedAt := o.Now()
	if !o.At.IsZero() {
		fetchedAt = o.At
	}
	var p *timeline.Presentation
	var err error
	switch {
	case hls.Sniff(body):
		p, err = hls.Read(ctx, url, body, fetchedAt, hls.Options{Variables: o.Variables}, forHLS(src))
	case dash.Sniff(body):
		p, err = dash.Read(ctx, url, body, fetchedAt, dash.Options{NoClock: !o.At.IsZero(), Now: o.Now}, forDASH(src))
	default:
		err = ErrUnknown
	}
	if err != nil {
		return nil, fmt.Errorf("manifest: %s: %w", withoutSecrets(url), err)
	}
	return p, nil
}

// Clock is the synchronised time for a presentation: the machine's clock
// corrected by what UTCTiming said.
func Clock(p *timeline.Presentation, now time.Time) time.Time { return now.Add(p.ClockOffset) }
