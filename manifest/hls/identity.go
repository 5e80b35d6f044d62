package hls

import (
	"crypto/sha256"
	"encoding/hex"
	"strconv"
	"strings"

	"github.com/shoal-p2p/shoal/segments"
)

// mainTrack names the one track of a media playlist opened directly.
const mainTrack = "main"

// maxNameBytes keeps a track's name, escaped threefold, well inside
// segments.MaxKeyLength; longer ones are cut and hashed.
const maxNameBytes = 120

// variantName names a variant stream by its attributes alone. See the package
// comment for the grammar; prefix is "variant" or "iframes", bandwidth as there.
func variantName(prefix, bandwidth string, a attributes, muxed []string) string {
	if id := a.get("STABLE-VARIANT-ID"); id != "" {
		return shorten(prefix + "@" + escapeName(id))
	}
	resolution := strings.ToLower(a.get("RESOLUTION"))
	canonical := strings.Join([]string{
		bandwidth, a.get("CODECS"), a.get("SUPPLEMENTAL-CODECS"), resolution,
		a.get("FRAME-RATE"), a.get("VIDEO-RANGE"), a.get("HDCP-LEVEL"), a.get("REQ-VIDEO-LAYOUT"),
		a.get("NAME"), a.get("VIDEO"), strings.Join(muxed, "\t"),
	}, "\n")
	return shorten(prefix + ":" + bandwidth + ":" + escapeName(resolution) + ":" + shortHash(canonical))
}

// commonBandwidth reports that all variants have the same BANDWIDTH, which then
// tells nothing apart. Left in the name it would do harm: packagers of a single
// variant measure it anew for every answer (gohlslib, MediaMTX).
func commonBandwidth(isVariant func(int) bool, list []attributes) bool {
	first := ""
	for i, a := range list {
		if !isVariant(i) {
			continue
		}
		b := plainInteger(a.get("BANDWIDTH"))
		if first != "" && b != first {
			return false
		}
		first = b
	}
	return true
}

// renditionName names an EXT-X-MEDIA rendition.
func renditionName(kind string, a attributes) string {
	kind = strings.ToLower(kind)
	if id := a.get("STABLE-RENDITION-ID"); id != "" {
		return shorten(kind + "@" + escapeName(id))
	}
	return shorten(kind + ":" + escapeName(a.get("GROUP-ID")) + ":" + escapeName(a.get("NAME")))
}

// muxedRenditions lists the renditions of a group that have no playlist of
// their own: their media is inside the variant's, so they are part of what
// makes the variant's bytes. The group's id is not: a redundant variant may
// name another group of the same renditions.
func muxedRenditions(all []attributes, kind, group string) []string {
	if group == "" {
		return nil
	}
	var muxed []string
	for _, a := range all {
		if a.get("TYPE") == kind && a.get("GROUP-ID") == group && a.get("URI") == "" {
			muxed = append(muxed, a.get("LANGUAGE")+"|"+a.get("NAME"))
		}
	}
	return muxed
}

// escapeName keeps the grammar's separators out of names taken from the
// playlist, so that "a:b" + "c" and "a" + "b:c" stay two names.
func escapeName(s string) string {
	if !strings.ContainsAny(s, "%:@~") {
		return s
	}
	return nameEscaper.Replace(s)
}

var nameEscaper = strings.NewReplacer("%", "%25", ":", "%3A", "@", "%40", "~", "%7E")

// shorten cuts a long name and appends "~" and the hash of all of it.
func shorten(name string) string {
	if len(name) <= maxNameBytes {
		return name
	}
	return name[:maxNameBytes-9] + "~" + shortHash(name)
}

// shortHash is the first 4 bytes of SHA-224, in hex, as in segments.HLSInitKey.
func shortHash(s string) string {
	sum := sha256.Sum224([]byte(s))
	return hex.EncodeToString(sum[:4])
}

// plainInteger drops leading zeros and whatever is no number.
func plainInteger(s string) string {
	n, err := strconv.ParseUint(strings.TrimSpace(s), 10, 64)
	if err != nil {
		return "0"
	}
	return strconv.FormatUint(n, 10)
}

// names gives every media playlist of one multivariant playlist its name and
// tells redundant ones from different ones that look the same.
type names struct {
	byURL map[string]int            // URL → track
	files map[string]map[string]int // base name → file name → ordinal
	used  map[string]bool           // complete names
}

func newNames() *names {
	return &names{byURL: make(map[string]int), files: make(map[string]map[string]int), used: make(map[string]bool)}
}

// claim returns the name for a playlist at url whose attributes make the name
// base. Two playlists of the same name are redundant when their file names are
// equal too: they share the name. Otherwise the attributes are simply
// not telling them apart, and the n-th different file gets "~n".
func (n *names) claim(base, url string) (name string, redundant bool) {
	files := n.files[base]
	if files == nil {
		files = make(map[string]int)
		n.files[base] = files
	}
	file := fileName(url)
	ordinal, seen := files[file]
	if !seen {
		ordinal = len(files) + 1
		files[file] = ordinal
	}
	name = base
	if ordinal > 1 {
		name += "~" + strconv.Itoa(ordinal)
	}
	redundant = n.used[name]
	n.used[name] = true
	return segments.HLSTrack(name), redundant
}
