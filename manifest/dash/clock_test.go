package dash

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"
)

func TestUTCTiming(t *testing.T) {
	local := time.Date(2024, 5, 1, 12, 0, 0, 0, time.UTC)
	element := func(scheme, value string) string {
		return `<UTCTiming schemeIdUri="urn:mpeg:dash:utc:` + scheme + `" value="` + value + `"/>`
	}
	fetch := func(_ context.Context, r Request) (Answer, error) {
		switch {
		case r.Method == "HEAD" && r.URL == "http://cdn.test/head":
			return Answer{Date: local.Add(3 * time.Second)}, nil
		case r.URL == "http://time.test/iso":
			return Answer{Body: []byte(" 2024-05-01T12:00:05.250Z\n")}, nil
		case r.URL == "http://time.test/long":
			return Answer{Body: []byte(strings.Repeat(" ", maxTimeLen+1))}, nil
		}
		return Answer{}, fmt.Errorf("HTTP status 404")
	}
	for _, c := range []struct {
		name, timings string
		want          time.Duration
		note          string
	}{
		{"none", "", 0, ""},
		{"direct", element("direct:2014", "2024-05-01T12:00:07Z"), 7 * time.Second, ""},
		{"direct without a zone", element("direct:2014", "2024-05-01T12:00:07"), 7 * time.Second, ""},
		{"head, relative", element("http-head:2014", "/head"), 3 * time.Second, ""},
		{"iso", element("http-iso:2014", "http://time.test/iso"), 5250 * time.Millisecond, ""},
		{"xsdate, second of two servers", element("http-xsdate:2014", "http://time.test/gone http://time.test/iso"), 5250 * time.Millisecond, ""},
		{"ntp, then iso", element("ntp:2014", "pool.ntp.org") + element("http-iso:2014", "http://time.test/iso"), 5250 * time.Millisecond, "ntp:2014 is not consulted"},
		{"all fail", element("http-iso:2014", "http://time.test/gone"), 0, "404"},
		{"not a time", element("http-iso:2014", "http://time.test/long"), 0, "is not a time"},
		{"not http", element("http-iso:2014", "file:///etc/passwd"), 0, "not an http URL"},
	} {
		t.Run(c.name, func(t *testing.T) {
			body := mpdOf(liveTemplate, `<Period start="PT0S"/>`+c.timings)
			o := Options{Now: func() time.Time { return local }}
			p, err := Read(t.Context(), here, []byte(body), local, o, fetch)
			if err != nil {
				t.Fatal(err)
			}
			if p.ClockOffset != c.want {
				t.Errorf("offset %v, want %v", p.ClockOffset, c.want)
			}
			if notes := strings.Join(p.Notes, "\n"); !strings.Contains(notes, c.note) {
				t.Errorf("notes %q do not tell of %q", notes, c.note)
			}
			o.NoClock = true
			refuse := func(context.Context, Request) (Answer, error) {
				t.Error("the clock is asked although the caller has one")
				return Answer{}, nil
			}
			if p, _ := Read(t.Context(), here, []byte(body), local, o, refuse); p.ClockOffset != 0 {
				t.Errorf("offset %v with a synchronised clock", p.ClockOffset)
			}
		})
	}
}
