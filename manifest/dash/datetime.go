package dash

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// ParseDuration reads an xs:duration, with the designators that the mpd package
// lacks: years (365 days), months (30 days) and weeks, and a fraction in any
// field. It saturates at the limits of time.Duration.
func ParseDuration(s string) (time.Duration, error) {
	text, negative := strings.CutPrefix(s, "-")
	text, found := strings.CutPrefix(text, "P")
	if !found || text == "" {
		return 0, fmt.Errorf("dash: duration %.40q does not start with P", s)
	}
	var seconds float64
	inTime, any := false, false
	for text != "" {
		if text[0] == 'T' {
			inTime, text = true, text[1:]
			continue
		}
		n := 0
		for n < len(text) && (text[n] >= '0' && text[n] <= '9' || text[n] == '.') {
			n++
		}
		if n == len(text) {
			return 0, fmt.Errorf("dash: duration %.40q ends without a designator", s)
		}
		v, err := strconv.ParseFloat(text[:n], 64)
		if err != nil && !errors.Is(err, strconv.ErrRange) {
			return 0, fmt.Errorf("dash: duration %.40q: %.20q is not a number", s, text[:n])
		}
		unit := secondsOf(text[n], inTime)
		if unit == 0 {
			return 0, fmt.Errorf("dash: duration %.40q: unknown designator %q", s, text[n])
		}
		seconds += v * unit
		text, any = text[n+1:], true
	}
	if !any {
		return 0, fmt.Errorf("dash: duration %.40q has no field", s)
	}
	if negative {
		seconds = -seconds
	}
	return saturate(seconds), nil
}

func secondsOf(designator byte, inTime bool) float64 {
	const day = 86400
	switch {
	case designator == 'Y' && !inTime:
		return 365 * day
	case designator == 'M' && !inTime:
		return 30 * day
	case designator == 'W' && !inTime:
		return 7 * day
	case designator == 'D' && !inTime:
		return day
	case designator == 'H' && inTime:
		return 3600
	case designator == 'M' && inTime:
		return 60
	case designator == 'S' && inTime:
		return 1
	}
	return 0
}

// saturate converts seconds to a duration in whole nanoseconds.
func saturate(seconds float64) time.Duration {
	switch ns := math.Round(seconds * 1e9); {
	case math.IsNaN(ns):
		return 0
	case ns >= math.MaxInt64:
		return math.MaxInt64
	case ns <= math.MinInt64:
		return math.MinInt64
	default:
		return time.Duration(ns)
	}
}

// ParseDateTime reads an xs:dateTime. One without a zone is taken as UTC, as
// ISO/IEC 23009-1 §5.3.1.2 wants it written and as players read it.
func ParseDateTime(s string) (time.Time, error) {
	s = strings.TrimSpace(s)
	for _, layout := range []string{
		time.RFC3339Nano, "2006-01-02T15:04:05.999999999",
		"2006-01-02T15:04Z07:00", "2006-01-02T15:04", "2006-01-02 15:04:05.999999999",
		"2006-01-02T15:04:05.999999999Z0700", "2006-01-02Z07:00", "2006-01-02",
	} {
		if t, err := time.Parse(layout, s); err == nil {
			return t.UTC(), nil
		}
	}
	if t, err := time.Parse("20060102T150405Z", s); err == nil {
		return t, nil
	}
	return time.Time{}, fmt.Errorf("dash: %.40q is not a date and time", s)
}
