package prefetch

import (
	"crypto/sha256"
	"encoding/hex"
	"net/url"
	"path"
	"strings"

	"github.com/shoal-p2p/shoal/manifest/timeline"
)

const (
	// maxName keeps file names well inside what file systems take.
	maxName = 100
	// maxExtension of a URL's path is believed to be one.
	maxExtension = 8
)

// trackFolder is the folder of a track's segments: its name in keys, each part
// plain. Two tracks never share one.
func trackFolder(key string) string {
	parts := strings.Split(key, "/")
	for i, p := range parts {
		parts[i] = plain(p)
	}
	return strings.Join(parts, "/")
}

// segmentFile is a segment's file below the copy.
func segmentFile(s timeline.Segment) string {
	key := string(s.Key)
	i := strings.LastIndexByte(key, '/')
	return trackFolder(key[:max(i, 0)]) + "/" + plain(key[i+1:]) + extension(s.URL)
}

// plain leaves a name alone that needs no escaping anywhere: letters, digits,
// "-", "_" and ".". Any other is made plain, and a hash of it keeps it apart.
func plain(s string) string {
	var b strings.Builder
	for i := range len(s) {
		c := s[i]
		if 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '-' || c == '_' || c == '.' && i > 0 && i < len(s)-1 {
			b.WriteByte(c)
		} else {
			b.WriteByte('_')
		}
	}
	out := b.String()
	if out == s && len(out) > 0 && len(out) <= maxName {
		return out
	}
	sum := sha256.Sum224([]byte(s))
	return out[:min(len(out), maxName-9)] + "-" + hex.EncodeToString(sum[:4])
}

// extension is that of a URL's path: web servers tell the type by it.
func extension(raw string) string {
	u, err := url.Parse(raw)
	if err != nil {
		return ""
	}
	ext := path.Ext(u.Path)
	if len(ext) < 2 || len(ext) > maxExtension || plain(ext[1:]) != ext[1:] {
		return ""
	}
	return ext
}

// manifestFile is the name of the copy's manifest: the original's, with the
// extension that players know it by.
func manifestFile(p *timeline.Presentation) string {
	want := ".m3u8"
	if p.Format == timeline.DASH {
		want = ".mpd"
	}
	u, err := url.Parse(p.URL)
	if err != nil {
		return "manifest" + want
	}
	name := path.Base(u.Path)
	name = strings.TrimSuffix(name, path.Ext(name))
	if name == "" || name == "." || name == "/" {
		name = "manifest"
	}
	return plain(name) + want
}
