package dash

import (
	"math"
	"testing"
	"time"
)

func TestParseDuration(t *testing.T) {
	const day = 24 * time.Hour
	for _, c := range []struct {
		in   string
		want time.Duration
	}{
		{"PT0S", 0},
		{"PT2S", 2 * time.Second},
		{"PT1.5S", 1500 * time.Millisecond},
		{"PT31.421333333S", 31421333333},
		{"PT0H1M30.000S", 90 * time.Second},
		{"PT1.5H", 90 * time.Minute},
		{"P1D", day},
		{"P1Y2M3DT4H", 365*day + 60*day + 3*day + 4*time.Hour},
		{"P2W", 14 * day},
		{"-PT1S", -time.Second},
		{"P1000Y", math.MaxInt64},
		{"-P1000Y", math.MinInt64},
		{"PT1714564800S", 1714564800 * time.Second},
	} {
		if got, err := ParseDuration(c.in); err != nil || got != c.want {
			t.Errorf("%q: %v, %v; want %v", c.in, got, err, c.want)
		}
	}
	for _, bad := range []string{"", "P", "PT", "2", "PT2", "PT2X", "P2S", "PTS", "PT1.2.3S", "soon"} {
		if d, err := ParseDuration(bad); err == nil {
			t.Errorf("%q is read as %v", bad, d)
		}
	}
}

func TestParseDateTime(t *testing.T) {
	want := time.Date(2024, 5, 1, 12, 0, 5, 0, time.UTC)
	for _, in := range []string{
		"2024-05-01T12:00:05Z", "2024-05-01T12:00:05", " 2024-05-01T12:00:05Z\n",
		"2024-05-01T14:00:05+02:00", "2024-05-01T14:00:05+0200", "2024-05-01T12:00:05.000Z", "20240501T120005Z",
	} {
		if got, err := ParseDateTime(in); err != nil || !got.Equal(want) {
			t.Errorf("%q: %v, %v", in, got, err)
		}
	}
	for _, bad := range []string{"", "not-a-date", "12:00:05", "2024-13-01T00:00:00Z"} {
		if got, err := ParseDateTime(bad); err == nil {
			t.Errorf("%q is read as %v", bad, got)
		}
	}
}
