package origin

import (
	"context"
	"errors"
	"math"
	"net/http"
	"strconv"
	"time"
)

// Fault is something wrong with one answer, for tests. Parts combine: a late and
// slow answer that breaks off is Delay, Rate and Truncate together.
type Fault struct {
	Status     int           // answer with this status and nothing else; 0: the real answer
	RetryAfter time.Duration // with Status: Retry-After, rounded up to whole seconds; 0: none
	Delay      time.Duration // before anything is sent
	Rate       int64         // body bytes a second; 0: no limit
	Truncate   int64         // cut the connection after this many body bytes; 0: never
}

// paced is how many bytes of a rate-limited body go out at a time.
const paced = 4 << 10

var errTruncated = errors.New("origin: answer cut short by a fault")

// faultyWriter sends a body slowly, or not all of it.
type faultyWriter struct {
	http.ResponseWriter
	ctx   context.Context
	fault Fault
	sent  int64
	start time.Time
	cut   bool // Truncate was reached with more to send
}

func (w *faultyWriter) Write(p []byte) (int, error) {
	written := 0
	for written < len(p) {
		chunk := p[written:]
		if w.fault.Truncate > 0 {
			left := w.fault.Truncate - w.sent
			if left <= 0 {
				w.cut = true
				w.flush()
				return written, errTruncated
			}
			chunk = chunk[:min(left, int64(len(chunk)))]
		}
		if w.fault.Rate > 0 {
			chunk = chunk[:min(paced, len(chunk))]
			due := time.Duration(float64(w.sent+int64(len(chunk))) / float64(w.fault.Rate) * float64(time.Second))
			if err := wait(w.ctx, due-time.Since(w.start)); err != nil {
				return written, err
			}
		}
		n, err := w.ResponseWriter.Write(chunk)
		written += n
		w.sent += int64(n)
		if err != nil {
			return written, err
		}
		if w.fault.Rate > 0 {
			w.flush()
		}
	}
	return written, nil
}

func (w *faultyWriter) flush() {
	if f, ok := w.ResponseWriter.(http.Flusher); ok {
		f.Flush()
	}
}

// strike applies what precedes the body. It says whether the request is done.
func (f Fault) strike(w http.ResponseWriter, r *http.Request) (done bool) {
	if err := wait(r.Context(), f.Delay); err != nil {
		return true
	}
	if f.Status == 0 {
		return false
	}
	if f.RetryAfter > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(int(math.Ceil(f.RetryAfter.Seconds()))))
	}
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(f.Status)
	return true
}

func wait(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
