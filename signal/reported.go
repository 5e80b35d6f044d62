package signal

import "time"

// reported is the newest Report of a member. It is made when the first one comes:
// members that never report cost a nil pointer.
type reported struct {
	Report
	at time.Time

	originRate, peerRate, sentRate float64 // bytes a second since the report before
}

// tally adds up what the members of a swarm reported. Members that left still
// count.
type tally struct {
	origin, fromPeers, sent int64
	stalls                  int64
	history                 []moment
	next                    int // where the oldest moment is, once history is full
	last                    moment
}

// A swarm's history is a moment every momentEvery, for an hour.
const (
	momentEvery = 10 * time.Second
	momentsKept = 360
)

// moment is a swarm's sums at one time.
type moment struct {
	at                      time.Time
	members                 int
	origin, fromPeers, sent int64
}

// add takes the growth since the member's last report. Counters that went down
// belong to a client that started anew.
func (t *tally) add(old *reported, r *Report) {
	grown := func(was, is int64) int64 {
		if is < was {
			return is
		}
		return is - was
	}
	var was Report
	if old != nil {
		was = old.Report
	}
	t.origin += grown(was.Origin, r.Origin)
	t.fromPeers += grown(was.FromPeers, r.FromPeers)
	t.sent += grown(was.Sent, r.Sent)
	t.stalls += grown(int64(was.Stalls), int64(r.Stalls))
}

// mark adds a moment to the history when one is due. Swarms without any figures
// have none.
func (t *tally) mark(now time.Time, members int) {
	if t.origin == 0 && t.fromPeers == 0 && t.sent == 0 || now.Sub(t.last.at) < momentEvery {
		return
	}
	t.last = moment{now, members, t.origin, t.fromPeers, t.sent}
	if len(t.history) < momentsKept {
		t.history = append(t.history, t.last)
		return
	}
	t.history[t.next] = t.last
	t.next = (t.next + 1) % momentsKept
}

// moments are the history, oldest first.
func (t *tally) moments() []moment {
	return append(append([]moment(nil), t.history[t.next:]...), t.history[:t.next]...)
}

// report takes a member's figures in. Callers hold Server.mu.
func (s *Server) report(m *member, r *Report, now time.Time) {
	w := m.swarm
	if w.tally == nil {
		w.tally = new(tally)
	}
	w.tally.add(m.report, r)
	news := &reported{Report: *r, at: now}
	if was := m.report; was != nil && now.After(was.at) {
		seconds := now.Sub(was.at).Seconds()
		news.originRate = float64(max(r.Origin-was.Origin, 0)) / seconds
		news.peerRate = float64(max(r.FromPeers-was.FromPeers, 0)) / seconds
		news.sentRate = float64(max(r.Sent-was.Sent, 0)) / seconds
	}
	m.report = news
	w.learn(m, r.Flows)
	s.metrics.reports.Inc()
}
