package rtc

import (
	"fmt"
	"net"
	"time"

	"github.com/pion/ice/v4"
	"github.com/pion/stun/v4"
	"github.com/pion/webrtc/v4"

	"github.com/shoal-p2p/shoal/swarm/wire"
)

// A dead peer is noticed after disconnectedAfter without a packet from it, plus
// graceAfter in which it may come back. Keepalives make a packet every
// keepaliveEvery, so three may be lost. While signalling is lost it has graceAlone. ICE
// itself gives up later, and never before there was a path: noPathAfter does that.
const (
	disconnectedAfter = 1500 * time.Millisecond
	failedAfter       = 5 * time.Second // after disconnected
	keepaliveEvery    = 500 * time.Millisecond
	graceAfter        = 300 * time.Millisecond
	graceAlone        = silenceAlone - disconnectedAfter
	noPathAfter       = 3 * time.Second // of checks
)

// How long a path that answers waits for a better kind of path, from the first check
// on. pion's own 500 ms, 1 s and 2 s would keep a newcomer behind a NAT from its first
// neighbour for the length of a segment. Two peers on one network answer each other
// directly within milliseconds, so a tenth of a second finds that path first; a relay,
// which costs somebody money, waits for a reply from the other side of the world.
const (
	reflexiveAfter = 100 * time.Millisecond // behind a NAT
	relayAfter     = time.Second
)

// The channels of a link. Both sides make them under these ids, which spares the
// round trip of RFC 8832's open and acknowledge.
const (
	controlID    = 0
	bulkID       = 1
	controlLabel = "control"
	bulkLabel    = "bulk"
)

// newConnection makes a peer connection with its two channels. The list of
// interfaces is read anew each time, because a viewer walks from one network
// into another.
func newConnection(cfg Config, servers []webrtc.ICEServer) (*webrtc.PeerConnection, error) {
	cert, err := certificate()
	if err != nil {
		return nil, err
	}
	sockets, err := newSockets(cfg)
	if err != nil {
		return nil, err
	}
	var s webrtc.SettingEngine
	s.SetNet(sockets)
	s.LoggerFactory = pionLog{cfg.Log}
	s.SetICETimeouts(disconnectedAfter, failedAfter, keepaliveEvery)
	s.SetSrflxAcceptanceMinWait(reflexiveAfter)
	s.SetPrflxAcceptanceMinWait(reflexiveAfter)
	if !cfg.RelayOnly { // nothing better than a relay will come then
		s.SetRelayAcceptanceMinWait(relayAfter)
	}
	s.SetICEMulticastDNSMode(ice.MulticastDNSModeQueryOnly)
	s.SetNetworkTypes([]webrtc.NetworkType{webrtc.NetworkTypeUDP4, webrtc.NetworkTypeUDP6})
	s.SetSCTPMaxMessageSize(wire.MaxMessage)
	s.DetachDataChannels()
	switch cfg.Scope {
	case WithLoopback:
		s.SetIncludeLoopbackCandidate(true)
	case LoopbackOnly:
		s.SetIncludeLoopbackCandidate(true)
		s.SetIPFilter(net.IP.IsLoopback)
		s.SetRemoteIPFilter(net.IP.IsLoopback)
		s.SetNetworkTypes([]webrtc.NetworkType{webrtc.NetworkTypeUDP4})
		s.SetICEMulticastDNSMode(ice.MulticastDNSModeDisabled)
		if !cfg.RelayOnly {
			servers = nil
		}
	}
	policy := webrtc.ICETransportPolicyAll
	if cfg.RelayOnly {
		policy = webrtc.ICETransportPolicyRelay
	}
	return webrtc.NewAPI(webrtc.WithSettingEngine(s)).NewPeerConnection(webrtc.Configuration{
		ICEServers:         servers,
		ICETransportPolicy: policy,
		Certificates:       []webrtc.Certificate{*cert},
	})
}

// newChannel makes one of the two channels, reliable and ordered.
func newChannel(pc *webrtc.PeerConnection, label string, id uint16) (*webrtc.DataChannel, error) {
	negotiated := true
	return pc.CreateDataChannel(label, &webrtc.DataChannelInit{Negotiated: &negotiated, ID: &id})
}

// usable reports whether pion takes s: one bad entry from a signalling server
// must not prevent every connection.
func usable(s webrtc.ICEServer) error {
	for _, text := range s.URLs {
		uri, err := stun.ParseURI(text)
		if err != nil {
			return fmt.Errorf("rtc: ICE server %q: %w", text, err)
		}
		if credential, _ := s.Credential.(string); (uri.Scheme == stun.SchemeTypeTURN || uri.Scheme == stun.SchemeTypeTURNS) &&
			(s.Username == "" || credential == "") {
			return fmt.Errorf("rtc: ICE server %q needs a user name and a credential", text)
		}
	}
	return nil
}
