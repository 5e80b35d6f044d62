package segments

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/url"
	"strconv"
	"strings"
)

// MaxKeyLength is the longest key, in bytes, that is accepted from a manifest
// or a peer.
const MaxKeyLength = 512

// Key names the same bytes for every peer of one swarm. It never holds a host,
// a query string, a token or a CMCD parameter, because two viewers reach the
// same bytes through different ones. It exists before its URL does: number 1234
// can be reserved before any manifest lists it.
//
//	DASH media, by number      period/representation/1234
//	DASH media, by time        period/representation/t900000      (media timescale)
//	DASH media, by byte range  period/representation/5000-9999    (SegmentBase, first-last)
//	DASH init                  period/representation/init
//	HLS media                  rendition/1234                     (media sequence number)
//	HLS partial segment        rendition/1234.2                   (part index)
//	HLS init (EXT-X-MAP)       rendition/init.5f3a09c1            (hash of path and range)
//	anything else              url/<SHA-224 of the canonical URL, hex>
//
// Path components are percent-encoded, so a "/" always separates components.
type Key string

// Track returns everything before the last "/": the name that all segments of
// one representation or rendition share. It is empty for a key without "/".
func (k Key) Track() string {
	if i := strings.LastIndexByte(string(k), '/'); i >= 0 {
		return string(k[:i])
	}
	return ""
}

// Validate reports why k cannot be used as a key, or nil.
func (k Key) Validate() error {
	switch {
	case k == "":
		return fmt.Errorf("segments: empty key")
	case len(k) > MaxKeyLength:
		return fmt.Errorf("segments: key of %d bytes, the limit is %d", len(k), MaxKeyLength)
	case k.Track() == "":
		return fmt.Errorf("segments: key %q names no track", string(k))
	}
	for i := range len(k) {
		if k[i] <= ' ' || k[i] >= 0x7f {
			return fmt.Errorf("segments: key %q has byte 0x%02x at %d; components must be percent-encoded", string(k), k[i], i)
		}
	}
	return nil
}

// DASHTrack names one representation. period is the Period@id, or a name
// derived from the period's start where it has none.
func DASHTrack(period, representation string) string {
	return component(period) + "/" + component(representation)
}

// HLSTrack names one variant or rendition.
func HLSTrack(rendition string) string { return component(rendition) }

// NumberKey names a segment addressed by number: DASH $Number$ or the HLS media
// sequence number.
func NumberKey(track string, number uint64) Key {
	return Key(track + "/" + strconv.FormatUint(number, 10))
}

// TimeKey names a segment addressed by DASH $Time$, in media timescale units.
func TimeKey(track string, time uint64) Key {
	return Key(track + "/t" + strconv.FormatUint(time, 10))
}

// RangeKey names a byte range of the track's one resource, first to last
// inclusive (DASH SegmentBase).
func RangeKey(track string, first, last int64) Key {
	return Key(fmt.Sprintf("%s/%d-%d", track, first, last))
}

// PartKey names an HLS partial segment (RFC 8216bis §4.4.4.9) by its index in
// the parent segment.
func PartKey(track string, sequence uint64, part int) Key {
	return Key(fmt.Sprintf("%s/%d.%d", track, sequence, part))
}

// DASHInitKey names a representation's initialization segment.
func DASHInitKey(track string) Key { return Key(track + "/init") }

// HLSInitKey names a Media Initialization Section (EXT-X-MAP). A rendition may
// have several, so the name holds a hash of the URI's path and the byte range
// ("first-last", empty for the whole resource), never of its host or query.
func HLSInitKey(track, path, byteRange string) Key {
	sum := sha256.Sum224([]byte(path + "\n" + byteRange))
	return Key(track + "/init." + hex.EncodeToString(sum[:4]))
}

// ResourceKey names a generic resource (script, font, image) by its canonical
// URL: lower-case scheme and host, no fragment, no user, no CMCD parameter. The
// URL is hashed, so that a token in a query is not told to peers.
func ResourceKey(u *url.URL) Key {
	c := *u
	c.Scheme, c.Host = strings.ToLower(c.Scheme), strings.ToLower(c.Host)
	c.Fragment, c.RawFragment, c.User = "", "", nil
	if q := c.Query(); q.Has("CMCD") {
		q.Del("CMCD")
		c.RawQuery = q.Encode()
	}
	sum := sha256.Sum224([]byte(c.String()))
	return Key("url/" + hex.EncodeToString(sum[:]))
}

// component escapes everything outside RFC 3986's unreserved set, and "@" and
// ":" which derived names use, so that the TypeScript client can do the same.
func component(s string) string {
	const hexDigits = "0123456789ABCDEF"
	var b strings.Builder
	for i := range len(s) {
		c := s[i]
		if 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' ||
			strings.IndexByte("-._~@:", c) >= 0 {
			b.WriteByte(c)
			continue
		}
		b.WriteByte('%')
		b.WriteByte(hexDigits[c>>4])
		b.WriteByte(hexDigits[c&15])
	}
	if b.Len() == 0 {
		return "_"
	}
	return b.String()
}
