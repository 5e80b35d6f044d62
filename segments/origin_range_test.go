package segments

import (
	"net/http"
	"testing"
	"time"
)

func TestParseContentRange(t *testing.T) {
	for _, c := range []struct {
		field string
		want  contentRange
		ok    bool
	}{
		{"bytes 0-0/1", contentRange{0, 0, 1}, true},
		{"bytes 5-9/*", contentRange{5, 9, -1}, true},
		{"Bytes 5-9/10", contentRange{5, 9, 10}, true},
		{"bytes 0-4611686018427387902/4611686018427387903", contentRange{0, maxPosition - 1, maxPosition}, true},
		{"bytes 0-4611686018427387903/*", contentRange{0, maxPosition, -1}, true},
		{"bytes 0-4611686018427387904/*", contentRange{}, false}, // one past maxPosition
		{"bytes 5-10/10", contentRange{}, false},                 // last behind the end
		{"bytes 6-5/10", contentRange{}, false},                  // backwards
		{"bytes */10", contentRange{}, false},                    // of a 416
		{"bytes -1-5/10", contentRange{}, false},
		{"bytes +1-5/10", contentRange{}, false},
		{"bytes=0-5/10", contentRange{}, false},
		{"items 0-5/10", contentRange{}, false},
		{"bytes 0-5", contentRange{}, false},
		{"bytes 0 - 5/10", contentRange{}, false},
		{"", contentRange{}, false},
	} {
		got, err := parseContentRange(c.field)
		if got != c.want && c.ok || (err == nil) != c.ok {
			t.Errorf("%q: got %+v, %v", c.field, got, err)
		}
	}
}

func TestRangeLength(t *testing.T) {
	for _, c := range []struct {
		r           byteRange
		total, want int64
	}{
		{byteRange{0, -1}, 10, 10}, {byteRange{0, -1}, 0, 0}, {byteRange{0, -1}, -1, -1},
		{byteRange{3, 5}, 10, 3}, {byteRange{3, 20}, 10, 7}, {byteRange{3, 5}, -1, -1},
		{byteRange{9, -1}, 10, 1}, {byteRange{10, -1}, 10, 0}, {byteRange{11, 12}, 10, 0},
	} {
		if got := c.r.length(c.total); got != c.want {
			t.Errorf("%+v of %d: got %d, want %d", c.r, c.total, got, c.want)
		}
	}
}

func TestValidator(t *testing.T) {
	const modified, date, soon = "Thu, 01 Jan 2026 00:00:00 GMT", "Thu, 01 Jan 2026 00:00:01 GMT", "Thu, 01 Jan 2026 00:00:00 GMT"
	for _, c := range []struct {
		name, etag, modified, date, want string
	}{
		{"strong ETag", `"a"`, modified, date, `"a"`},
		{"empty strong ETag", `""`, "", "", `""`},
		{"weak ETag alone", `W/"a"`, "", date, ""},
		{"weak ETag, strong date", `W/"a"`, modified, date, modified},
		{"unquoted ETag", `a`, "", date, ""},
		{"a lone quote", `"`, "", date, ""},
		{"modified in the second of the answer", "", modified, soon, ""},
		{"no Date", "", modified, "", ""},
		{"not a date", "", "yesterday", date, ""},
		{"nothing", "", "", "", ""},
	} {
		h := http.Header{}
		for name, value := range map[string]string{"ETag": c.etag, "Last-Modified": c.modified, "Date": c.date} {
			if value != "" {
				h.Set(name, value)
			}
		}
		if got := validator(h); got != c.want {
			t.Errorf("%s: got %q, want %q", c.name, got, c.want)
		}
	}
}

func TestParseRetryAfter(t *testing.T) {
	now := time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)
	at := func(d time.Duration) string { return now.Add(d).Format(http.TimeFormat) }
	for _, c := range []struct {
		name, field, date string
		want              time.Duration
	}{
		{"seconds", "7", "", 7 * time.Second},
		{"seconds at the cap", "86400", "", maxRetryAfter},
		{"one past the cap", "86401", "", maxRetryAfter},
		{"a number above all", "4611686018427387903", "", maxRetryAfter},
		{"too long a number", "99999999999999999999", "", 0},
		{"negative", "-5", "", 0},
		{"date by our clock", at(9 * time.Second), "", 9 * time.Second},
		{"date by the origin's clock", at(time.Hour), at(time.Hour - 3*time.Second), 3 * time.Second},
		{"date gone by", at(-time.Hour), "", 0},
		{"date far away", at(1000 * time.Hour), "", maxRetryAfter},
		{"rubbish", "soon", "", 0},
		{"none", "", "", 0},
	} {
		h := http.Header{"Retry-After": {c.field}}
		if c.date != "" {
			h.Set("Date", c.date)
		}
		if got := parseRetryAfter(h, now); got != c.want {
			t.Errorf("%s: got %v, want %v", c.name, got, c.want)
		}
	}
}

func TestShareable(t *testing.T) {
	for _, c := range []struct {
		fields []string
		want   bool
	}{
		{nil, true},
		{[]string{"max-age=2, public"}, true},
		{[]string{"no-cache"}, true}, // may be kept, must be revalidated
		{[]string{"private"}, false},
		{[]string{"max-age=0, NO-STORE"}, false},
		{[]string{`Private="x-token", max-age=1`}, false},
		{[]string{"max-age=1", "no-store"}, false},
		{[]string{"x-private"}, true},
	} {
		if got := shareable(http.Header{"Cache-Control": c.fields}); got != c.want {
			t.Errorf("%q: got %v", c.fields, got)
		}
	}
}

// FuzzContentRange: what is accepted is a range within its total.
func FuzzContentRange(f *testing.F) {
	f.Add("bytes 0-5/10")
	f.Add("bytes 0-4611686018427387903/*")
	f.Fuzz(func(t *testing.T, field string) {
		r, err := parseContentRange(field)
		if err == nil && (r.first < 0 || r.last < r.first || r.total >= 0 && r.last >= r.total || r.total < -1) {
			t.Fatalf("%+v", r)
		}
	})
}
