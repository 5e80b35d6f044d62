package dash

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/Eyevinn/dash-mpd/mpd"
)

// The UTCTiming schemes (ISO/IEC 23009-1 §5.8.4.11) that give a time by HTTP or
// in the MPD itself.
const (
	utcDirect  = "urn:mpeg:dash:utc:direct:"
	utcHead    = "urn:mpeg:dash:utc:http-head:"
	utcISO     = "urn:mpeg:dash:utc:http-iso:"
	utcXSDate  = "urn:mpeg:dash:utc:http-xsdate:"
	maxSources = 8 // UTCTiming elements tried
	maxTimeLen = 256
)

// synchronise asks the MPD's UTCTiming sources in order and returns the first
// answer as an offset: synchronised clock − local clock. now is the local clock;
// the time of a request's middle is taken for the time of its answer.
func synchronise(ctx context.Context, sources []*mpd.DescriptorType, base string, now func() time.Time, fetch Fetch) (offset time.Duration, found bool, remarks []string) {
	for i, s := range sources {
		if s == nil || i >= maxSources {
			continue
		}
		scheme := string(s.SchemeIdUri)
		if strings.HasPrefix(scheme, utcDirect) {
			continue // read when the MPD arrives, see direct
		}
		method := "GET"
		switch {
		case strings.HasPrefix(scheme, utcHead):
			method = "HEAD"
		case strings.HasPrefix(scheme, utcISO), strings.HasPrefix(scheme, utcXSDate):
		default:
			remarks = append(remarks, fmt.Sprintf("UTCTiming %.80s is not consulted", scheme))
			continue
		}
		for url := range strings.FieldsSeq(s.Value) {
			offset, err := ask(ctx, Request{URL: resolve(base, url), Last: -1, Method: method}, now, fetch)
			if err == nil {
				return offset, true, remarks
			}
			remarks = append(remarks, fmt.Sprintf("UTCTiming %.80s: %v", url, err))
		}
	}
	return 0, false, remarks
}

func ask(ctx context.Context, r Request, now func() time.Time, fetch Fetch) (time.Duration, error) {
	if !fetchable(r.URL) {
		return 0, fmt.Errorf("not an http URL")
	}
	sent := now()
	a, err := fetch(ctx, r)
	if err != nil {
		return 0, err
	}
	middle := sent.Add(now().Sub(sent) / 2)
	if r.Method == "HEAD" {
		if a.Date.IsZero() {
			return 0, fmt.Errorf("its answer has no Date")
		}
		return a.Date.Sub(middle), nil
	}
	if len(a.Body) > maxTimeLen {
		return 0, fmt.Errorf("an answer of %d bytes is not a time", len(a.Body))
	}
	t, err := ParseDateTime(string(a.Body))
	if err != nil {
		return 0, err
	}
	return t.Sub(middle), nil
}

// direct is the offset of a time written into the MPD when it was served.
func direct(sources []*mpd.DescriptorType, fetchedAt time.Time) (time.Duration, bool) {
	for _, s := range sources {
		if s != nil && strings.HasPrefix(string(s.SchemeIdUri), utcDirect) {
			if t, err := ParseDateTime(s.Value); err == nil {
				return t.Sub(fetchedAt), true
			}
		}
	}
	return 0, false
}
