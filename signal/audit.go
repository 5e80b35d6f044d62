package signal

import (
	"context"
	"log/slog"
	"net/netip"
)

// Events of the audit log, in its "event" attribute. A record has what applies of
// address, member, swarm (blinded), code and reason.
const (
	AuditTurnedAway = "turned_away" // refused in the handshake
	AuditJoined     = "joined"
	AuditLeft       = "left"
	AuditRefused    = "refused" // by a Refused message
	AuditEvicted    = "evicted" // did not read
	AuditDrain      = "drain"   // the server goes away
	AuditAdmin      = "admin_refused"
)

// audit writes one record, when there is a log for it.
func (s *Server) audit(event string, from netip.Addr, more ...slog.Attr) {
	if s.cfg.Audit == nil {
		return
	}
	attrs := append([]slog.Attr{slog.String("event", event), slog.String("address", from.String())}, more...)
	s.cfg.Audit.LogAttrs(context.Background(), slog.LevelInfo, "audit", attrs...)
}

// Audit notes something that concerns the server and was seen outside of it.
func (s *Server) Audit(event string, from netip.Addr, reason string) {
	s.audit(event, from, slog.String("reason", reason))
}

// auditMember names the member and its swarm, once it has joined.
func (m *member) auditMember() []slog.Attr {
	if m.swarm == nil {
		return nil
	}
	return []slog.Attr{slog.String("member", m.ID.String()), slog.String("swarm", m.swarm.name)}
}
