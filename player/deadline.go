package player

import (
	"context"
	"time"
)

type deadlineKey struct{}

// WithDeadline tells the session when the segment of a request must be there
// whole, for callers who know their buffer: it replaces the estimate. A time in
// the past asks for the fastest source.
func WithDeadline(ctx context.Context, t time.Time) context.Context {
	return context.WithValue(ctx, deadlineKey{}, t)
}

func deadlineOf(ctx context.Context) (time.Time, bool) {
	t, ok := ctx.Value(deadlineKey{}).(time.Time)
	return t, ok
}
