package player

import (
	"context"
	"errors"
)

// task is a goroutine that can be stopped and waited for.
type task struct {
	cancel context.CancelFunc
	done   chan struct{}
	err    error // valid after done
}

func (t *task) start(ctx context.Context, run func(context.Context) error) {
	ctx, t.cancel = context.WithCancel(ctx)
	t.done = make(chan struct{})
	go func() {
		defer close(t.done)
		defer t.cancel()
		t.err = run(ctx)
	}()
}

// Done is closed when it has ended.
func (t *task) Done() <-chan struct{} { return t.done }

// Wait returns when it has ended: nil when it did its work or was stopped, else
// why it could not.
func (t *task) Wait() error {
	<-t.done
	if errors.Is(t.err, context.Canceled) || errors.Is(t.err, context.DeadlineExceeded) {
		return nil
	}
	return t.err
}

// Close stops it and waits.
func (t *task) Close() error {
	t.cancel()
	return t.Wait()
}
