package signal

import (
	"context"
	"errors"
	"time"

	"github.com/gorilla/websocket"
	"golang.org/x/time/rate"
)

const (
	// firstSamples clock samples follow the Welcome, syncBurst apart.
	firstSamples = 4
	syncBurst    = 200 * time.Millisecond
	// paceShare of the announced limits is what a client uses: messages that left
	// evenly may arrive bunched.
	paceShare = 0.8
)

// pace keeps a client under the limits its server announced.
type pace struct{ messages, bytes *rate.Limiter }

func newPace(a Announced) pace {
	limiter := func(perSecond, burst int) *rate.Limiter {
		if perSecond <= 0 || burst <= 0 {
			return rate.NewLimiter(rate.Inf, 0)
		}
		return rate.NewLimiter(rate.Limit(paceShare*float64(perSecond)), max(int(paceShare*float64(burst)), 1))
	}
	return pace{limiter(a.MessagesPerSecond, a.MessageBurst), limiter(a.BytesPerSecond, a.ByteBurst)}
}

func (p pace) wait(ctx context.Context, n int) error {
	if err := p.messages.Wait(ctx); err != nil {
		return err
	}
	if p.bytes.Limit() != rate.Inf {
		n = min(n, p.bytes.Burst()) // one message as large as the burst must pass
	}
	return p.bytes.WaitN(ctx, n)
}

// write sends what the client has to say until ctx ends, then says goodbye.
func (s *session) write(ctx context.Context, cancel context.CancelCauseFunc) {
	defer s.goodbye(ctx)
	select {
	case <-ctx.Done():
		return
	case <-s.ready:
	}
	pace := newPace(s.limits)
	send := func(b []byte) {
		if pace.wait(ctx, len(b)) != nil {
			return
		}
		s.conn.SetWriteDeadline(time.Now().Add(writeTimeout))
		if err := s.conn.WriteMessage(websocket.BinaryMessage, b); err != nil {
			cancel(err)
		}
	}
	send(Append(nil, &Ping{Sent: s.c.clock.local()}))
	sync := time.NewTimer(syncBurst)
	defer sync.Stop()
	leave := time.NewTimer(maxSpan)
	defer leave.Stop()
	report := time.NewTimer(maxSpan)
	defer report.Stop()
	if s.reports() { // the first one early: it has the round trips of the first links
		report.Reset(s.limits.ReportInterval / 4)
	}
	for samples := 1; ; {
		select {
		case <-ctx.Done():
			return
		case b := <-s.relays:
			send(b)
		case <-sync.C:
			send(Append(nil, &Ping{Sent: s.c.clock.local()}))
			if samples++; samples < firstSamples {
				sync.Reset(syncBurst)
			} else {
				sync.Reset(s.c.cfg.SyncInterval)
			}
		case <-report.C:
			if s.reports() {
				send(Append(nil, s.report()))
				report.Reset(s.limits.ReportInterval)
			}
		case <-leave.C:
			cancel(errDrain)
		case <-s.wake:
			status, want, drain := s.pending()
			if status != nil {
				send(Append(nil, status))
			}
			if want > 0 {
				send(Append(nil, &Want{Count: want, Except: s.c.linkedIDs()}))
			}
			if drain != nil {
				leave.Reset(*drain)
			}
		}
	}
}

// reports says whether the server asks for reports and there is somebody to write
// them.
func (s *session) reports() bool { return s.c.cfg.Report != nil && s.limits.ReportInterval > 0 }

func (s *session) report() *Status {
	status := s.c.linkCounts()
	r := s.c.cfg.Report()
	if len(r.Flows) > MaxFlows {
		r.Flows = r.Flows[:MaxFlows]
	}
	status.Report, status.Position, status.Place = &r, s.c.position(), s.c.cfg.Place
	return &status
}

func (s *session) pending() (status *Status, want int, leave *time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	status, want, leave = s.status, s.want, s.leave
	s.status, s.want, s.leave = nil, 0, nil
	return status, want, leave
}

// goodbye sends the close frame and gives the server a moment to answer it; the
// reader ends with the answer or the deadline.
func (s *session) goodbye(ctx context.Context) {
	code := websocket.CloseNormalClosure
	if cause := context.Cause(ctx); errors.Is(cause, errPaused) || errors.Is(cause, errDrain) {
		code = ClosePaused
	}
	deadline := time.Now().Add(goodbyeTimeout)
	s.conn.WriteControl(websocket.CloseMessage, websocket.FormatCloseMessage(code, ""), deadline)
	s.closing.Store(true)
	s.conn.NetConn().SetReadDeadline(deadline)
}
