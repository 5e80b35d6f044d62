package player

import (
	"net/http"
	"strings"
	"time"
)

// notModified evaluates If-None-Match and, without it, If-Modified-Since
// (RFC 9110 §13.2.2) against the response's validators.
func notModified(req, resp http.Header) bool {
	if match := req.Get("If-None-Match"); match != "" {
		return matchesAny(match, resp.Get("Etag"))
	}
	since, err := http.ParseTime(req.Get("If-Modified-Since"))
	if err != nil {
		return false
	}
	modified, err := http.ParseTime(resp.Get("Last-Modified"))
	return err == nil && !modified.Truncate(time.Second).After(since)
}

// matchesAny compares weakly (RFC 9110 §8.8.3.2): a cached copy may be equivalent.
func matchesAny(list, etag string) bool {
	if etag == "" {
		return false
	}
	for tag := range strings.SplitSeq(list, ",") {
		tag = strings.TrimSpace(tag)
		if tag == "*" || strings.TrimPrefix(tag, "W/") == strings.TrimPrefix(etag, "W/") {
			return true
		}
	}
	return false
}

// ifRange reports whether a Range applies (RFC 9110 §13.1.5): there is no
// If-Range, or it is this strong ETag or exactly this date.
func ifRange(req, resp http.Header) bool {
	v := req.Get("If-Range")
	switch {
	case v == "":
		return true
	case strings.HasPrefix(v, `"`):
		return v == resp.Get("Etag")
	case strings.HasPrefix(v, "W/"):
		return false
	}
	return v == resp.Get("Last-Modified")
}
