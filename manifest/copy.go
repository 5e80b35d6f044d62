package manifest

import (
	"context"
	"fmt"
	"maps"
	"strings"
	"sync"

	"github.com/shoal-p2p/shoal/manifest/dash"
	"github.com/shoal-p2p/shoal/manifest/hls"
	"github.com/shoal-p2p/shoal/manifest/timeline"
)

const (
	// maxRemembered and maxRememberedBytes bound the documents besides manifests
	// that a Copy keeps: remote elements of an MPD.
	maxRemembered      = dash.MaxLinks
	maxRememberedBytes = 4 << 20
)

// Copy makes the manifests of a static copy of a stream. It is a Source that
// reads through another and remembers what the copy will need of each document,
// because a live manifest forgets what the copy still has. It is safe for
// concurrent use.
type Copy struct {
	next Source

	mu     sync.Mutex
	hls    *hls.Copy
	dash   *dash.Copy
	mpd    document            // the newest MPD
	others map[string]document // by URL, for xlink
	bytes  int                 // of others

	trouble string // with the newest playlist that could not be remembered
}

// NewCopy returns a Copy that reads through next.
func NewCopy(next Source) *Copy {
	return &Copy{next: next, hls: hls.NewCopy(hls.Options{}), dash: dash.NewCopy(), others: map[string]document{}}
}

// Fetch implements Source.
func (c *Copy) Fetch(ctx context.Context, r Request) (Response, error) {
	resp, err := c.next.Fetch(ctx, r)
	whole := r.First == 0 && r.Last <= 0 && (r.Method == "" || r.Method == "GET")
	if err != nil || !whole || resp.Status < 200 || resp.Status > 299 || len(resp.Body) > MaxDocument {
		return resp, err
	}
	d := document{asked: r.URL, url: resp.URL, body: resp.Body}
	if d.url == "" {
		d.url = r.URL
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case hls.Sniff(d.body):
		if err := c.hls.Observe(d.asked, d.url, d.body); err != nil {
			c.trouble = fmt.Sprintf("a playlist cannot be copied: %v", err)
		}
	case dash.Sniff(d.body):
		if !dash.IsPatch(d.body) {
			c.mpd = d
		}
	case len(c.others) < maxRemembered && c.bytes+len(d.body) <= maxRememberedBytes:
		if _, known := c.others[d.asked]; !known {
			c.others[d.asked] = d
			c.bytes += len(d.body)
		}
	}
	return resp, nil
}

// Absorb makes sure that all tracks of p can be written later. Call it with every
// presentation that has new tracks: their Period may be gone the next time. Where
// only patches of an MPD came by, the whole is fetched.
func (c *Copy) Absorb(ctx context.Context, p *timeline.Presentation) error {
	if p.Format != timeline.DASH || c.has(p) {
		return nil
	}
	if err := c.absorb(ctx); err != nil || c.has(p) {
		return err
	}
	c.mu.Lock()
	url := c.mpd.asked
	c.mu.Unlock()
	if _, err := get(ctx, c, Request{URL: url, Last: -1}); err != nil {
		return err
	}
	return c.absorb(ctx)
}

func (c *Copy) has(p *timeline.Presentation) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, t := range p.Tracks {
		if !c.dash.Has(t.Key) {
			return false
		}
	}
	return true
}

// absorb reads the newest MPD. Remote elements are those that came by when it was
// read first: asked again, an ad server would answer with others.
func (c *Copy) absorb(ctx context.Context) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.mpd.body == nil {
		return fmt.Errorf("manifest: no MPD to copy")
	}
	others := maps.Clone(c.others)
	return c.dash.Observe(ctx, c.mpd.url, c.mpd.body, func(_ context.Context, r dash.Request) (dash.Answer, error) {
		d, ok := others[r.URL]
		if !ok {
			return dash.Answer{}, fmt.Errorf("manifest: %s was not fetched", withoutSecrets(r.URL))
		}
		return dash.Answer{Body: d.body, URL: d.url}, nil
	})
}

// CopiedTrack is a track of the copy with the files that were fetched.
type CopiedTrack struct {
	Track *timeline.Track
	// Folder of the track's media playlist, relative to the copy and without a
	// slash at its end (HLS with a multivariant playlist only).
	Folder   string
	Segments []CopiedSegment // in presentation order, each once
}

// CopiedSegment is a segment and the files that hold it and its init segment,
// relative to the copy with slashes. Names are of letters, digits and "._-/" only.
type CopiedSegment struct {
	timeline.Segment
	File, Init string
}

// CopiedFile is a manifest of the copy.
type CopiedFile struct {
	Name string
	Body []byte
}

// playlistName is a copied media playlist's in its track's folder.
const playlistName = "playlist.m3u8"

// Write makes the copy's manifests; name is the first one's, which a player opens.
// All are static. Notes say what a person should know: keys that players will
// fetch elsewhere, gaps.
func (c *Copy) Write(format timeline.Format, name string, tracks []CopiedTrack) (files []CopiedFile, notes []string, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if format == timeline.DASH {
		list := make([]dash.CopiedTrack, len(tracks))
		for i, t := range tracks {
			list[i] = dash.CopiedTrack{Key: t.Track.Key}
			for _, s := range t.Segments {
				list[i].Init = s.Init
				list[i].Segments = append(list[i].Segments, dash.CopiedSegment{Segment: s.Segment, File: s.File})
			}
		}
		body, notes, err := c.dash.Write(list)
		return []CopiedFile{{name, body}}, notes, err
	}
	if c.trouble != "" {
		notes = append(notes, c.trouble)
	}
	var list []hls.CopiedTrack
	var media []CopiedFile
	for _, t := range tracks {
		if len(t.Segments) == 0 {
			continue
		}
		one := hls.CopiedTrack{Playlist: t.Track.URL, File: t.Folder + "/" + playlistName}
		below := t.Folder + "/"
		if t.Folder == "" {
			one.File, below = name, ""
		}
		for _, s := range t.Segments {
			one.Segments = append(one.Segments, hls.CopiedSegment{Segment: s.Segment,
				File: strings.TrimPrefix(s.File, below), Init: strings.TrimPrefix(s.Init, below)})
		}
		body, said, err := c.hls.Media(one)
		if err != nil {
			return nil, nil, err
		}
		list, notes = append(list, one), append(notes, said...)
		media = append(media, CopiedFile{one.File, body})
	}
	multi, err := c.hls.Multivariant(list)
	if err != nil {
		return nil, nil, err
	}
	if multi != nil {
		files = append(files, CopiedFile{name, multi})
	}
	return append(files, media...), notes, nil
}

// Multivariant reports whether the copy has an HLS multivariant playlist, so that
// media playlists lie in the folders of their tracks.
func (c *Copy) Multivariant() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.hls.IsMultivariant()
}
