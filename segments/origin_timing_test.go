package segments

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestBackoff(t *testing.T) {
	for _, c := range []struct {
		name   string
		random float64
		script []answer
		want   []time.Duration // between requests
	}{
		{"doubles up to the cap", 0.5, []answer{{status: 500}}, []time.Duration{100 * time.Millisecond, 200 * time.Millisecond, 400 * time.Millisecond, 500 * time.Millisecond, 500 * time.Millisecond}},
		{"shortest", 0, []answer{{err: errBroken}}, []time.Duration{50 * time.Millisecond, 100 * time.Millisecond, 200 * time.Millisecond, 250 * time.Millisecond, 250 * time.Millisecond}},
		{"Retry-After is a lower bound", 0.5, []answer{{status: 503, header: http.Header{"Retry-After": {"2"}}}, {status: 429, header: http.Header{"Retry-After": {"0"}}}, {}},
			[]time.Duration{2 * time.Second, 200 * time.Millisecond}},
		{"Retry-After at the cap", 0.5, []answer{{status: 503, header: http.Header{"Retry-After": {"5"}}}, {}}, []time.Duration{5 * time.Second}},
		{"Retry-After one past the cap", 0.5, []answer{{status: 503, header: http.Header{"Retry-After": {"6"}}}, {}}, nil},
	} {
		synctest.Test(t, func(t *testing.T) {
			fake := &fakeOrigin{data: []byte("x"), script: c.script}
			o := NewOrigin(OriginConfig{
				Client: &http.Client{Transport: fake}, Retries: 5, Backoff: 100 * time.Millisecond, MaxBackoff: 500 * time.Millisecond,
				Random: func() float64 { return c.random },
			})
			_, _, _, err := fetchAll(t.Context(), o, OriginRequest{URL: "http://origin/", Last: -1})
			var got []time.Duration
			for i := range fake.times[1:] {
				got = append(got, fake.times[i+1].Sub(fake.times[i]))
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("%s: %s", c.name, diff)
			}
			var status *StatusError
			if c.want == nil && (!errors.As(err, &status) || status.RetryAfter != 6*time.Second) {
				t.Errorf("%s: got %v, want the status with its Retry-After", c.name, err)
			}
		})
	}
}

func TestBackoffNeverOverflows(t *testing.T) {
	c := OriginConfig{Backoff: 1, MaxBackoff: 1<<63 - 1, Random: func() float64 { return 0 }}
	for attempt := range 100 {
		if d := c.backoff(attempt); d < 0 || attempt > 40 && d == 0 {
			t.Fatalf("attempt %d: %v", attempt, d)
		}
	}
}

func TestTimeouts(t *testing.T) {
	data := randomBytes(2, 7000)
	for _, c := range []struct {
		name   string
		script []answer
		idle   time.Duration
		total  time.Duration
		want   error
		took   time.Duration
	}{
		{"no header", []answer{{stall: true}}, time.Second, time.Minute, ErrIdle, time.Second},
		{"body stalls", []answer{{stallAfter: 1400}}, time.Second, time.Minute, ErrIdle, time.Second},
		{"slow but steady", []answer{{delay: 900 * time.Millisecond}}, time.Second, time.Minute, nil, 11 * 900 * time.Millisecond},
		{"slow at the idle limit", []answer{{delay: 1100 * time.Millisecond}}, time.Second, time.Minute, ErrIdle, time.Second},
		{"too long altogether", []answer{{delay: 900 * time.Millisecond}}, time.Second, 2 * time.Second, context.DeadlineExceeded, 2 * time.Second},
	} {
		synctest.Test(t, func(t *testing.T) {
			o := NewOrigin(OriginConfig{
				Client: &http.Client{Transport: &fakeOrigin{data: data, script: c.script}}, Retries: -1, IdleTimeout: c.idle, TotalTimeout: c.total,
			})
			start := time.Now()
			_, _, _, err := fetchAll(t.Context(), o, OriginRequest{URL: "http://origin/", Last: -1})
			if !errors.Is(err, c.want) || c.want == nil && err != nil || time.Since(start) != c.took {
				t.Errorf("%s: %v after %v, want %v after %v", c.name, err, time.Since(start), c.want, c.took)
			}
		})
	}
}

func TestStallIsResumed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		data := randomBytes(3, 5000)
		fake := &fakeOrigin{data: data, etag: `"a"`, script: []answer{{stallAfter: 1400}, {}}}
		o := NewOrigin(OriginConfig{Client: &http.Client{Transport: fake}})
		if _, body, _, err := fetchAll(t.Context(), o, OriginRequest{URL: "http://origin/", Last: -1}); err != nil || !bytes.Equal(body, data) {
			t.Errorf("%d bytes, %v", len(body), err)
		}
	})
}

// slowWriter takes its time, which is not the origin's fault.
type slowWriter struct{ bytes.Buffer }

func (w *slowWriter) Write(p []byte) (int, error) {
	time.Sleep(5 * time.Second)
	return w.Buffer.Write(p)
}

func TestSlowSinkIsNotIdle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := NewOrigin(OriginConfig{Client: &http.Client{Transport: &fakeOrigin{data: randomBytes(4, 2000), script: []answer{{}}}}, IdleTimeout: time.Second})
		var w slowWriter
		n, err := o.Fetch(t.Context(), OriginRequest{URL: "http://origin/", Last: -1}, func(Head) (io.Writer, error) { return &w, nil })
		if err != nil || n != 2000 {
			t.Errorf("%d bytes, %v", n, err)
		}
	})
}

func TestCancelEndsAtOnce(t *testing.T) {
	for name, script := range map[string][]answer{
		"waiting for the header": {{stall: true}},
		"waiting for bytes":      {{stallAfter: 700}},
		"backing off":            {{status: 503, header: http.Header{"Retry-After": {"4"}}}},
	} {
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			fake := &fakeOrigin{data: randomBytes(5, 2000), etag: `"a"`, script: script}
			o := NewOrigin(OriginConfig{Client: &http.Client{Transport: fake}})
			done := make(chan error)
			go func() {
				_, _, _, err := fetchAll(ctx, o, OriginRequest{URL: "http://origin/", Last: -1})
				done <- err
			}()
			synctest.Wait()
			start := time.Now()
			cancel()
			if err := <-done; !errors.Is(err, context.Canceled) || time.Since(start) != 0 || len(fake.requests) != 1 {
				t.Errorf("%s: %v after %v and %d requests", name, err, time.Since(start), len(fake.requests))
			}
		})
	}
}
