package dash

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/Eyevinn/dash-mpd/mpd"

	"github.com/shoal-p2p/shoal/manifest/timeline"
)

// describeTrack fills in what a Representation is, as opposed to where its
// segments are.
func describeTrack(p period, as *mpd.AdaptationSetType, rep *mpd.RepresentationType, index int) *timeline.Track {
	t := &timeline.Track{
		Period:    p.mpd.Id,
		Codecs:    or(rep.Codecs, as.Codecs),
		MimeType:  or(rep.MimeType, as.MimeType),
		Language:  as.Lang,
		Bandwidth: int(rep.Bandwidth),
		Width:     int(or(rep.Width, as.Width)),
		Height:    int(or(rep.Height, as.Height)),
		FrameRate: frameRate(string(or(rep.FrameRate, as.FrameRate))),
		Group:     fmt.Sprintf("%s/@%d", p.key, index),
	}
	if t.Period == "" {
		t.Period = p.key
	}
	if as.Id != nil {
		t.Group = fmt.Sprintf("%s/%d", p.key, *as.Id)
	}
	contentType := string(as.ContentType)
	for _, c := range as.ContentComponents {
		contentType = or(contentType, string(c.ContentType))
		t.Language = or(t.Language, c.Lang)
	}
	t.Kind = kindOf(contentType, t.MimeType, t.Codecs)
	t.Protected = len(rep.ContentProtections)+len(as.ContentProtections)+len(p.mpd.ContentProtections) > 0
	t.TrickPlay = hasTrickMode(as.EssentialProperties) || hasTrickMode(as.SupplementalProperties) ||
		hasTrickMode(rep.EssentialProperties)
	return t
}

func or[T comparable](a, b T) T {
	var zero T
	if a != zero {
		return a
	}
	return b
}

const trickMode = "http://dashif.org/guidelines/trickmode" // DASH-IF IOP §3.2.9

func hasTrickMode(ds []*mpd.DescriptorType) bool {
	for _, d := range ds {
		if d != nil && d.SchemeIdUri == trickMode {
			return true
		}
	}
	return false
}

// kindOf decides by AdaptationSet@contentType, then the MIME type, then the
// codec of a file type that says nothing (RFC 6381).
func kindOf(contentType, mime, codecs string) timeline.Kind {
	major, _, _ := strings.Cut(mime, "/")
	for _, s := range []string{contentType, major} {
		switch s {
		case "video":
			return timeline.Video
		case "audio":
			return timeline.Audio
		case "text":
			return timeline.Text
		case "image":
			return timeline.Image
		}
	}
	codec, _, _ := strings.Cut(codecs, ".")
	switch codec {
	case "stpp", "wvtt", "c608", "c708":
		return timeline.Text
	case "avc1", "avc3", "hev1", "hvc1", "vp08", "vp09", "vp8", "vp9", "av01", "dvh1", "dvhe", "vvc1":
		return timeline.Video
	case "mp4a", "ac-3", "ec-3", "ac-4", "opus", "Opus", "fLaC", "flac":
		return timeline.Audio
	}
	if mime == "application/ttml+xml" {
		return timeline.Text
	}
	return timeline.Other
}

// frameRate reads "30" or "30000/1001".
func frameRate(s string) float64 {
	num, den, divided := strings.Cut(s, "/")
	n, err := strconv.ParseFloat(num, 64)
	if err != nil || n < 0 || n > 1e9 {
		return 0
	}
	if !divided {
		return n
	}
	d, err := strconv.ParseFloat(den, 64)
	if err != nil || d <= 0 {
		return 0
	}
	return n / d
}
