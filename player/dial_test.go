package player

import (
	"context"
	"errors"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"github.com/shoal-p2p/shoal/swarm/node"
)

func TestDialledRetries(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		attempts := 0
		b := &bank{}
		d := dialNode(func(context.Context, string) (Node, error) {
			if attempts++; attempts < 3 {
				return nil, errors.New("not yet")
			}
			return b, nil
		}, "swarm", slog.New(slog.DiscardHandler))
		defer d.Close()
		began := time.Now()
		if _, err := d.Get(t.Context(), node.Resource{}); !errors.Is(err, errNoNode) || time.Since(began) != dialWait {
			t.Errorf("got %v after %v, want errNoNode after %v", err, time.Since(began), dialWait)
		}
		d.Plan([]node.Resource{{Key: "a/1"}})
		<-d.ready
		if took := time.Since(began); attempts != 3 || took < 3*minRedial/2 || took > 3*minRedial {
			t.Errorf("%d attempts in %v, want 3 in ½–1 times 1 s + 2 s", attempts, took)
		}
		if planned(b.lastPlan()) != "a/1" {
			t.Error("the plan made meanwhile was lost")
		}
		if s, err := d.Get(t.Context(), node.Resource{}); err != nil || s.Size() != 1000 {
			t.Errorf("once there: %v", err)
		}
	})
}

func TestDialledClosesWhileDialling(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := dialNode(func(ctx context.Context, _ string) (Node, error) {
			<-ctx.Done()
			return nil, ctx.Err()
		}, "swarm", slog.New(slog.DiscardHandler))
		if err := d.Close(); err != nil {
			t.Error(err)
		}
		if d.Stats().OriginBytes != 0 || d.Now().IsZero() {
			t.Error("a peer that never was has numbers")
		}
	})
}
