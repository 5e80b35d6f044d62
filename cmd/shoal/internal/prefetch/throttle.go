package prefetch

import (
	"context"
	"io"
	"net/http"

	"golang.org/x/time/rate"
)

// minBurst is the least that may pass at once: a limit of a few kbit/s must still
// let a read through.
const minBurst = 16 << 10

// NewRate makes the limiter for a cap in bit/s; half a second's worth may pass at
// once.
func NewRate(bitsPerSecond int64) *rate.Limiter {
	bytes := float64(bitsPerSecond) / 8
	return rate.NewLimiter(rate.Limit(bytes), max(minBurst, int(bytes/2)))
}

// Throttle makes the bodies that come through a transport pay the limiter for
// their bytes.
func Throttle(next http.RoundTripper, limit *rate.Limiter) http.RoundTripper {
	return throttle{next, limit}
}

type throttle struct {
	next  http.RoundTripper
	limit *rate.Limiter
}

func (t throttle) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := t.next.RoundTrip(r)
	if err == nil && resp.Body != nil {
		resp.Body = &throttledBody{resp.Body, r.Context(), t.limit}
	}
	return resp, err
}

type throttledBody struct {
	io.ReadCloser
	ctx   context.Context
	limit *rate.Limiter
}

// Read pays after reading: TCP's window then holds the origin back.
func (b *throttledBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p[:min(len(p), b.limit.Burst())])
	if n > 0 {
		if werr := b.limit.WaitN(b.ctx, n); werr != nil {
			return n, werr
		}
	}
	return n, err
}

// pay waits until n bytes that have come already are paid for.
func pay(ctx context.Context, limit *rate.Limiter, n int64) error {
	for n > 0 {
		part := min(n, int64(limit.Burst()))
		if err := limit.WaitN(ctx, int(part)); err != nil {
			return err
		}
		n -= part
	}
	return nil
}
