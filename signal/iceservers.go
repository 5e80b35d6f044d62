package signal

import "slices"

// iceServers are what m's Welcome announces, MaxICEServers at most.
func (s *Server) iceServers(m *member, swarm string) []ICEServer {
	if s.cfg.ICE == nil {
		return s.cfg.ICEServers
	}
	all := append(slices.Clip(s.cfg.ICEServers), s.cfg.ICE(m.ID, swarm, m.host)...)
	m.host = ""
	return all[:min(len(all), MaxICEServers)]
}
