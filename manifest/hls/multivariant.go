package hls

import (
	"fmt"
	"net/url"
	"strconv"
	"strings"

	"github.com/grafov/m3u8"
	"github.com/shoal-p2p/shoal/manifest/timeline"
)

// multi is a multivariant playlist: what tracks there are and where.
type multi struct {
	tracks    []playlistTrack
	variables map[string]string // for EXT-X-DEFINE:IMPORT in the media playlists
	notes     []string
}

// playlistTrack is a track whose segments are in a media playlist of its own.
type playlistTrack struct {
	timeline.Track
	redundant bool // another way to an earlier track with the same Key
}

// readMulti joins the library's reading of a multivariant playlist with the
// side table. Tracks come in the order variants, renditions, I-frame variants;
// a playlist named twice is one track, which the first one names.
func (doc *document) readMulti(base *url.URL) (*multi, error) {
	p, err := decodeMulti(doc.clean)
	if err != nil {
		return nil, err
	}
	side := doc.multi
	variants, renditions := splitVariants(p, len(side.renditions) > 0)
	if len(variants) != len(side.variants) || len(renditions) != len(side.renditions) {
		return nil, fmt.Errorf("hls: %w: the m3u8 decoder read %d of %d variants and %d of %d renditions", ErrSyntax,
			len(variants), len(side.variants), len(renditions), len(side.renditions))
	}
	b := multiBuilder{multi: &multi{variables: doc.vars.values, notes: doc.notes.all()}, names: newNames(), resolver: newResolver(base)}
	b.sameBandwidth = commonBandwidth(func(i int) bool { return !variants[i].Iframe }, side.variants)
	for i, v := range variants {
		if !v.Iframe {
			b.variant(v, side.variants[i], side.renditions)
		}
	}
	for i, r := range renditions {
		b.rendition(r, side.renditions[i])
	}
	for i, v := range variants {
		if v.Iframe {
			b.variant(v, side.variants[i], side.renditions)
		}
	}
	return b.multi, nil
}

// splitVariants takes the variant that finishMulti added out again, and the
// renditions it carries.
func splitVariants(p *m3u8.MasterPlaylist, added bool) ([]*m3u8.Variant, []*m3u8.Alternative) {
	if !added || len(p.Variants) == 0 {
		return p.Variants, nil
	}
	return p.Variants[1:], p.Variants[0].Alternatives
}

type multiBuilder struct {
	*multi
	names    *names
	resolver *resolver

	sameBandwidth bool // of all EXT-X-STREAM-INF
}

func (b *multiBuilder) variant(v *m3u8.Variant, a attributes, renditions []attributes) {
	t := timeline.Track{
		Bandwidth: int(v.Bandwidth),
		Codecs:    v.Codecs,
		FrameRate: v.FrameRate,
		Kind:      kindOfCodecs(v.Codecs),
		Group:     "variants",
		TrickPlay: v.Iframe,
	}
	t.Width, t.Height = resolution(v.Resolution)
	if t.Width > 0 || v.Iframe {
		t.Kind = timeline.Video
	}
	bandwidth := plainInteger(a.get("BANDWIDTH"))
	if !v.Iframe {
		if b.sameBandwidth {
			bandwidth = "0"
		}
		t.Default = len(b.tracks) == 0
		b.add(t, v.URI, variantName("variant", bandwidth, a, muxedRenditions(renditions, "AUDIO", a.get("AUDIO"))))
		return
	}
	t.Group = "iframes"
	b.add(t, v.URI, variantName("iframes", bandwidth, a, nil))
}

func (b *multiBuilder) rendition(r *m3u8.Alternative, a attributes) {
	t := timeline.Track{
		Language: r.Language,
		Group:    r.GroupId,
		Default:  r.Default,
		Kind:     kindOfRendition(r.Type),
	}
	if r.Type == "CLOSED-CAPTIONS" {
		return // always inside the video
	}
	if r.URI == "" {
		b.notes = append(b.notes, fmt.Sprintf("%s rendition %q of group %q is inside its variants", strings.ToLower(r.Type), r.Name, r.GroupId))
		return
	}
	b.add(t, r.URI, renditionName(r.Type, a))
}

// add appends a track unless its playlist is there already.
func (b *multiBuilder) add(t timeline.Track, uri, name string) {
	t.URL = b.resolver.resolve(uri)
	if t.URL == "" {
		b.notes = append(b.notes, fmt.Sprintf("the playlist at %.80q may not be fetched: only http and https are", uri))
		return
	}
	if _, listed := b.names.byURL[t.URL]; listed {
		return
	}
	b.names.byURL[t.URL] = len(b.tracks)
	var redundant bool
	t.Key, redundant = b.names.claim(name, t.URL)
	t.ID = t.Key
	if redundant {
		t.Default = false
		t.ID = t.Key + "#" + strconv.Itoa(len(b.tracks))
		b.notes = append(b.notes, fmt.Sprintf("%s is another way to %s", t.URL, t.Key))
	}
	b.tracks = append(b.tracks, playlistTrack{t, redundant})
}

// kindOfCodecs is Audio or Text when every codec is one, Video otherwise and
// when nothing is said (RFC 6381 names).
func kindOfCodecs(codecs string) timeline.Kind {
	kind := timeline.Kind("")
	for codec := range strings.SplitSeq(codecs, ",") {
		family, _, _ := strings.Cut(strings.ToLower(strings.TrimSpace(codec)), ".")
		k := timeline.Video
		switch family {
		case "":
			continue
		case "mp4a", "ac-3", "ec-3", "ac-4", "opus", "flac", "fla1", "alac", "mp3", "dtsc", "dtse", "dtsx", "vorbis", "mhm1", "mha1":
			k = timeline.Audio
		case "wvtt", "stpp":
			k = timeline.Text
		}
		if k == timeline.Video || kind != "" && kind != k && kind != timeline.Text && k != timeline.Text {
			return timeline.Video
		}
		if kind == "" || kind == timeline.Text {
			kind = k
		}
	}
	if kind == "" {
		return timeline.Video
	}
	return kind
}

func kindOfRendition(kind string) timeline.Kind {
	switch kind {
	case "AUDIO":
		return timeline.Audio
	case "VIDEO":
		return timeline.Video
	case "SUBTITLES":
		return timeline.Text
	}
	return timeline.Other
}

// kindOfFile guesses the kind of a media playlist opened directly from its
// first segment's file name.
func kindOfFile(uri string) timeline.Kind {
	name := strings.ToLower(fileName(uri))
	switch name[strings.LastIndexByte(name, '.')+1:] {
	case "vtt", "webvtt", "srt", "ttml":
		return timeline.Text
	case "aac", "mp3", "ac3", "ec3", "m4a", "oga", "opus":
		return timeline.Audio
	}
	return timeline.Video
}

// resolution reads "1920x1080".
func resolution(s string) (width, height int) {
	w, h, ok := strings.Cut(strings.ToLower(s), "x")
	if !ok {
		return 0, 0
	}
	width, _ = strconv.Atoi(strings.TrimSpace(w))
	height, _ = strconv.Atoi(strings.TrimSpace(h))
	if width <= 0 || height <= 0 {
		return 0, 0
	}
	return width, height
}
