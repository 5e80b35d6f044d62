package player

import (
	"mime"
	"net/http"
	"net/url"
	"path"
	"strings"

	"github.com/shoal-p2p/shoal/segments"
)

// mediaHeader describes a segment: the origin's word first, then the manifest's,
// then the file name's.
func mediaHeader(m Match, rawURL string, meta segments.Meta) http.Header {
	h := make(http.Header, 8)
	h.Set("Accept-Ranges", "bytes")
	contentType := meta.ContentType
	if contentType == "" || contentType == "application/octet-stream" {
		contentType = m.Track.MimeType
	}
	if contentType == "" {
		contentType = typeByName(rawURL)
	}
	h.Set("Content-Type", contentType)
	if meta.ETag != "" {
		h.Set("Etag", meta.ETag)
	}
	if meta.LastModified != "" {
		h.Set("Last-Modified", meta.LastModified)
	}
	return h
}

// mediaTypes are those that the system's MIME table often lacks.
var mediaTypes = map[string]string{
	".mpd": "application/dash+xml", ".m3u8": "application/vnd.apple.mpegurl", ".m3u": "application/vnd.apple.mpegurl",
	".mp4": "video/mp4", ".m4s": "video/iso.segment", ".m4v": "video/mp4", ".cmfv": "video/mp4", ".m4f": "video/iso.segment",
	".m4a": "audio/mp4", ".cmfa": "audio/mp4", ".aac": "audio/aac", ".ts": "video/mp2t", ".webm": "video/webm",
	".vtt": "text/vtt", ".ttml": "application/ttml+xml", ".cmft": "application/mp4",
}

func typeByName(rawURL string) string {
	ext := ""
	if u, err := url.Parse(rawURL); err == nil {
		ext = strings.ToLower(path.Ext(u.Path))
	}
	if t, ok := mediaTypes[ext]; ok {
		return t
	}
	if t := mime.TypeByExtension(ext); t != "" {
		return t
	}
	return "application/octet-stream"
}
