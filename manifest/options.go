package manifest

import "time"

// Options of Load and Follow. The zero value works.
type Options struct {
	// At is the synchronised clock to read a manifest by; UTCTiming is not
	// consulted then. Zero: the machine's clock, corrected by UTCTiming.
	At time.Time
	// Base is the manifest's URL where that is not the one it is fetched from
	// (a local copy, a test). Relative URLs resolve against it.
	Base string
	// Variables are the EXT-X-DEFINE variables of the multivariant playlist, for a
	// media playlist that is opened by itself and imports them.
	Variables map[string]string
	// Now is the machine's clock, time.Now by default.
	Now func() time.Time

	// MinRefresh is the shortest time between two fetches of one document,
	// default 500 ms. Less asks more of the origin than live streams need.
	MinRefresh time.Duration
	// MaxRefresh is the longest time between two fetches of a live document,
	// default one minute. It bounds how late a change that the manifest did not
	// announce is seen: an MPD may promise to stay as it is for hours, and
	// be replaced all the same when an advertisement is put in.
	MaxRefresh time.Duration
	// Timeout bounds one fetch, default 10 s.
	Timeout time.Duration
	// MaxBackoff is the longest wait after repeated failures, default 30 s. The
	// first wait is half of MinRefresh; it doubles, with ±50 % jitter.
	MaxBackoff time.Duration
}

func (o Options) withDefaults() Options {
	if o.Now == nil {
		o.Now = time.Now
	}
	set := func(d *time.Duration, v time.Duration) {
		if *d <= 0 {
			*d = v
		}
	}
	set(&o.MinRefresh, 500*time.Millisecond)
	set(&o.MaxRefresh, time.Minute)
	set(&o.Timeout, 10*time.Second)
	set(&o.MaxBackoff, 30*time.Second)
	return o
}
