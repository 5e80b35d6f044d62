package dash

import (
	"math"

	"github.com/Eyevinn/dash-mpd/mpd"
)

// bases are the alternative base URLs at one level of an MPD, first choice first.
type bases struct {
	urls   []string
	ahead  float64 // BaseURL@availabilityTimeOffset in force, s
	stated bool    // a BaseURL element has been seen at this or an outer level
	places []string
}

// enter applies the BaseURL elements of one more level: each alternative is
// resolved against each one of the level above (ISO/IEC 23009-1 §5.6.4), up to
// MaxBaseURLs.
func (b bases) enter(elements []*mpd.BaseURLType) bases {
	if len(elements) == 0 {
		return b
	}
	out := bases{ahead: b.ahead, stated: true, places: b.places}
	for i, e := range elements {
		if e == nil {
			continue
		}
		if i == 0 && e.AvailabilityTimeOffset != 0 {
			out.ahead = float64(e.AvailabilityTimeOffset)
		}
		if e.ServiceLocation != "" && len(out.places) < MaxBaseURLs {
			out.places = append(out.places[:len(out.places):len(out.places)], e.ServiceLocation)
		}
		for _, u := range b.urls {
			u = resolve(u, string(e.Value))
			if len(out.urls) < MaxBaseURLs && !contains(out.urls, u) && len(u) <= MaxURLLength {
				out.urls = append(out.urls, u)
			}
		}
	}
	if len(out.urls) == 0 {
		out.urls = b.urls
	}
	return out
}

func contains(urls []string, u string) bool {
	for _, v := range urls {
		if v == u {
			return true
		}
	}
	return false
}

// aheadOf is the sum of the two kinds of availabilityTimeOffset (§5.3.9.5.3).
func aheadOf(b bases, in information) (seconds float64, always bool) {
	sum := b.ahead + in.ahead
	return sum, math.IsInf(sum, 1)
}
