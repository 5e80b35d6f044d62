package segments

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"time"
)

// Longest time a Retry-After is reported for, whatever the origin asks.
const maxRetryAfter = 24 * time.Hour

// OriginConfig tunes an Origin. The zero value works.
type OriginConfig struct {
	// Client sends the requests; its Transport, Jar and CheckRedirect are used,
	// its Timeout too. Default: one of the Origin's own, with connections reused.
	Client *http.Client
	// MaxBytes bounds one Fetch, in bytes (default MaxSegmentSize). A resource
	// that says or turns out to be larger fails with ErrTooLarge.
	MaxBytes int64
	// MaxRedirects bounds the redirects followed in one attempt (default 5,
	// negative: none). They never lead outside http and https.
	MaxRedirects int
	// Retries is how many attempts may follow the first (default 4, negative:
	// none). More survive longer outages and make failures slower.
	Retries int
	// Backoff is the mean wait before the first retry (default 200 ms). It
	// doubles each time up to MaxBackoff (default 5 s); the wait is drawn evenly
	// from ½ to 1½ of that, so that peers do not return in step.
	Backoff, MaxBackoff time.Duration
	// MaxWait is the longest Retry-After that is waited for (default 5 s). When
	// the origin asks for more, the StatusError is returned at once and says so.
	MaxWait time.Duration
	// IdleTimeout is how long the origin may send nothing, before the header or
	// in the body, until the attempt is given up (default 10 s).
	IdleTimeout time.Duration
	// TotalTimeout bounds a Fetch with all its retries (default 2 min).
	TotalTimeout time.Duration
	// CheckAddress, when set, is asked before every connection, after name
	// resolution, with "tcp4" or "tcp6" and the literal "address:port"; its error
	// refuses the connection. RefusePrivate is one. It needs the own client, or
	// one whose Transport is nil or an *http.Transport, which is cloned; with
	// another every Fetch fails. No proxy is used then.
	CheckAddress func(network, address string) error
	// UserAgent is sent when the request has none (default "shoal").
	UserAgent string
	// Random returns numbers in [0, 1) for the jitter (default math/rand/v2).
	Random func() float64
}

func (c OriginConfig) populate() OriginConfig {
	setCount := func(v *int, d int) {
		if *v == 0 {
			*v = d
		}
		*v = max(*v, 0)
	}
	setTime := func(v *time.Duration, d time.Duration) {
		if *v == 0 {
			*v = d
		}
	}
	if c.MaxBytes == 0 {
		c.MaxBytes = MaxSegmentSize
	}
	setCount(&c.MaxRedirects, 5)
	setCount(&c.Retries, 4)
	setTime(&c.Backoff, 200*time.Millisecond)
	setTime(&c.MaxBackoff, 5*time.Second)
	setTime(&c.MaxWait, 5*time.Second)
	setTime(&c.IdleTimeout, 10*time.Second)
	setTime(&c.TotalTimeout, 2*time.Minute)
	if c.UserAgent == "" {
		c.UserAgent = "shoal"
	}
	if c.Random == nil {
		c.Random = rand.Float64
	}
	return c
}

func (c OriginConfig) validate() error {
	for _, d := range []time.Duration{c.Backoff, c.MaxBackoff, c.MaxWait, c.IdleTimeout, c.TotalTimeout} {
		if d < 0 {
			return errors.New("segments: OriginConfig: durations must not be negative")
		}
	}
	if c.MaxBytes < 0 {
		return fmt.Errorf("segments: OriginConfig.MaxBytes %d must not be negative", c.MaxBytes)
	}
	return nil
}

// backoff is the wait before retry number attempt (0 the first):
// min(MaxBackoff, Backoff × 2^attempt) × (½ + random).
func (c OriginConfig) backoff(attempt int) time.Duration {
	d := c.MaxBackoff
	if shift := min(attempt, 32); c.Backoff <= c.MaxBackoff>>shift {
		d = c.Backoff << shift
	}
	return time.Duration(float64(d) * (0.5 + c.Random()))
}
