package manifest

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/shoal-p2p/shoal/manifest/dash"
	"github.com/shoal-p2p/shoal/manifest/hls"
	"github.com/shoal-p2p/shoal/manifest/timeline"
)

// due is a document to fetch. name tells the documents of one stream apart,
// whatever delivery directives their URLs carry.
type due struct {
	name string
	url  string
	at   time.Time
}

// document is one that has arrived.
type document struct {
	asked, url string // before and after redirects
	body       []byte
	at         time.Time
}

// stream reads the documents of one presentation of either format. It has one
// owner.
type stream struct {
	options Options
	dash    *dash.Reader
	hls     *hls.Reader
	dues    []due
	asked   string // the first document's URL, which Options.Base stands in for
	follows bool   // further documents will correct what this one made us foretell
}

// observe reads a document. After an error the presentation is the last good
// one, nil when there is none. A document of the other format starts anew.
func (s *stream) observe(d document) (*timeline.Presentation, error) {
	url := d.url
	if s.dash == nil && s.hls == nil {
		s.asked = d.asked
	}
	if s.options.Base != "" && d.asked == s.asked {
		url = s.options.Base
	}
	switch {
	case hls.Sniff(d.body):
		if s.hls == nil {
			s.hls, s.dash = hls.NewReader(hls.Options{Variables: s.options.Variables}), nil
		}
		p, list, err := s.hls.ObserveRedirected(d.asked, url, d.body, d.at)
		s.dues = s.dues[:0]
		for _, h := range list {
			s.dues = append(s.dues, due{"track " + h.Track, h.URL, h.At})
		}
		return p, err
	case dash.Sniff(d.body):
		if s.dash == nil {
			s.dash, s.hls = dash.NewReader(dash.Options{NoClock: !s.options.At.IsZero(), Now: s.options.Now, Foretell: s.follows}), nil
		}
		p, _, err := s.dash.Observe(url, d.body, d.at)
		s.scheduleDASH()
		return p, err
	}
	return nil, fmt.Errorf("manifest: %s: %w", withoutSecrets(d.url), ErrUnknown)
}

func (s *stream) scheduleDASH() {
	s.dues = s.dues[:0]
	for _, d := range s.dash.Due() {
		if d.URL == s.options.Base {
			d.URL = s.asked
		}
		s.dues = append(s.dues, due{"mpd", d.URL, d.At})
	}
}

// complete fetches what an MPD refers to, when there is anything.
func (s *stream) complete(ctx context.Context, src Source, p *timeline.Presentation) (*timeline.Presentation, error) {
	if s.dash == nil || !s.dash.Incomplete() {
		return p, nil
	}
	p, err := s.dash.Complete(ctx, forDASH(src))
	s.scheduleDASH()
	return p, err
}

// unchanged records a 304: body is the copy at hand.
func (s *stream) unchanged(d document) (*timeline.Presentation, error) {
	if s.dash != nil {
		s.dash.Unchanged(d.at)
		s.scheduleDASH()
		return nil, nil
	}
	return s.observe(d)
}

// failed records that a document could not be had. An MPD patch is replaced by
// the whole MPD.
func (s *stream) failed() {
	if s.dash != nil {
		s.dash.Reload()
		s.scheduleDASH()
	}
}

// void has the whole MPD loaded again if it was published before that time.
func (s *stream) void(before time.Time) {
	if s.dash != nil && s.dash.Published().Before(before) {
		s.dash.Reload()
		s.scheduleDASH()
	}
}

// published is MPD@publishTime, zero for HLS.
func (s *stream) published() time.Time {
	if s.dash == nil {
		return time.Time{}
	}
	return s.dash.Published()
}

// restarted reports that the latest playlist began the stream anew.
func (s *stream) restarted() bool { return s.hls != nil && s.hls.Restarted() }

// backwards reports an error that means: older than what we have.
func backwards(err error) bool { return errors.Is(err, dash.ErrOlder) }

// IsManifest reports whether a resource is an MPD, an MPD patch or an HLS
// playlist: by its body, or by its type and name where body is empty.
func IsManifest(url, contentType string, body []byte) bool {
	if len(body) > 0 {
		return hls.Sniff(body) || dash.Sniff(body)
	}
	contentType, _, _ = strings.Cut(strings.ToLower(contentType), ";")
	switch strings.TrimSpace(contentType) {
	case "application/dash+xml", "application/dash-patch+xml", "video/vnd.mpeg.dash.mpd",
		"application/vnd.apple.mpegurl", "application/x-mpegurl", "audio/mpegurl", "audio/x-mpegurl":
		return true
	}
	path, _, _ := strings.Cut(strings.ToLower(url), "?")
	path, _, _ = strings.Cut(path, "#")
	for _, suffix := range []string{".mpd", ".mpp", ".m3u8", ".m3u"} {
		if strings.HasSuffix(path, suffix) {
			return true
		}
	}
	return false
}
