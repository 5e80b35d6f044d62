package signal

import (
	"crypto/ed25519"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/tinylib/msgp/msgp"
)

// Caps on what a Welcome may carry.
const (
	MaxICEServers  = 16
	MaxICEURLs     = 8   // per server
	MaxICEText     = 512 // bytes of a URL, user name or credential
	MaxSettings    = 32
	MaxSettingText = 512 // bytes of a name or a value
)

// ICEServer is a STUN or TURN server, in the shape of WebRTC's RTCIceServer.
type ICEServer struct {
	URLs       []string // stun:host:port, turn:host:port?transport=udp …
	Username   string
	Credential string
}

// Announced tells clients the limits they are held to.
type Announced struct {
	MessageBytes      int // longest message; 0 none
	MessagesPerSecond int // sustained; 0 none
	MessageBurst      int
	BytesPerSecond    int // sustained; 0 none
	ByteBurst         int
	PeersPerMessage   int
	PingInterval      time.Duration // between the server's websocket pings
	ReportInterval    time.Duration // between a member's reports; 0: none are wanted
}

// Welcome answers a Join that was accepted.
type Welcome struct {
	ID         MemberID
	ServerTime time.Time
	SwarmSize  int // members, the new one included
	ICEServers []ICEServer
	// SigningKey is the Ed25519 public key whose statements this swarm trusts;
	// empty when the swarm is unsigned.
	SigningKey ed25519.PublicKey
	// Settings are the operator's words to all clients; unknown names are ignored.
	Settings map[string]string
	Limits   Announced
	// Confined: the server keeps some members of the swarm apart (Config.Rules). What
	// it does not carry must not go by way of neighbours either.
	Confined bool
}

func (*Welcome) Type() Type { return TypeWelcome }

func (m *Welcome) fields(w *fieldWriter) {
	w.binary("id", m.ID[:])
	w.instant("server_time", m.ServerTime)
	w.integer("swarm_size", int64(m.SwarmSize))
	if len(m.ICEServers) > 0 {
		w.name("ice_servers")
		w.b = msgp.AppendArrayHeader(w.b, uint32(len(m.ICEServers)))
		for _, s := range m.ICEServers {
			w.object(s.fields)
		}
	}
	w.binary("signing_key", m.SigningKey)
	if len(m.Settings) > 0 {
		w.name("settings")
		w.b = msgp.AppendMapHeader(w.b, uint32(len(m.Settings)))
		for _, name := range slices.Sorted(maps.Keys(m.Settings)) {
			w.b = msgp.AppendString(w.b, name)
			w.b = msgp.AppendString(w.b, m.Settings[name])
		}
	}
	w.name("limits")
	w.object(m.Limits.fields)
	w.flag("confined", m.Confined)
}

func (m *Welcome) set(name []byte, r *fieldReader) bool {
	switch string(name) {
	case "id":
		r.exact(m.ID[:])
	case "server_time":
		m.ServerTime = r.instant()
	case "swarm_size":
		m.SwarmSize = int(r.integer(0, MaxMembers))
	case "ice_servers":
		m.ICEServers = nil // a repeated field replaces, so that the cap holds
		r.list(MaxICEServers, func(r *fieldReader) {
			var s ICEServer
			r.object(s.set)
			m.ICEServers = append(m.ICEServers, s)
		})
	case "signing_key":
		key := make(ed25519.PublicKey, ed25519.PublicKeySize)
		r.exact(key)
		m.SigningKey = key
	case "settings":
		m.Settings = make(map[string]string)
		for range r.count("map", MaxSettings, msgp.ReadMapHeaderBytes) {
			k := r.text(MaxSettingText)
			m.Settings[k] = r.text(MaxSettingText)
		}
	case "limits":
		r.object(m.Limits.set)
	case "confined":
		m.Confined = r.flag()
	default:
		return false
	}
	return true
}

func (s *ICEServer) fields(w *fieldWriter) {
	w.name("urls")
	w.b = msgp.AppendArrayHeader(w.b, uint32(len(s.URLs)))
	for _, u := range s.URLs {
		w.b = msgp.AppendString(w.b, u)
	}
	w.text("username", s.Username)
	w.text("credential", s.Credential)
}

func (s *ICEServer) set(name []byte, r *fieldReader) bool {
	switch string(name) {
	case "urls":
		s.URLs = nil
		r.list(MaxICEURLs, func(r *fieldReader) { s.URLs = append(s.URLs, r.text(MaxICEText)) })
	case "username":
		s.Username = r.text(MaxICEText)
	case "credential":
		s.Credential = r.text(MaxICEText)
	default:
		return false
	}
	return true
}

func (s ICEServer) validate() error {
	if len(s.URLs) == 0 || len(s.URLs) > MaxICEURLs {
		return fmt.Errorf("%d URLs, want 1 to %d", len(s.URLs), MaxICEURLs)
	}
	for _, text := range append([]string{s.Username, s.Credential}, s.URLs...) {
		if len(text) > MaxICEText {
			return fmt.Errorf("text of %d bytes, at most %d allowed", len(text), MaxICEText)
		}
	}
	return nil
}

func (a *Announced) fields(w *fieldWriter) {
	w.integer("message_bytes", int64(a.MessageBytes))
	w.integer("messages_per_second", int64(a.MessagesPerSecond))
	w.integer("message_burst", int64(a.MessageBurst))
	w.integer("bytes_per_second", int64(a.BytesPerSecond))
	w.integer("byte_burst", int64(a.ByteBurst))
	w.integer("peers_per_message", int64(a.PeersPerMessage))
	w.span("ping_interval", a.PingInterval)
	w.span("report_interval", a.ReportInterval)
}

func (a *Announced) set(name []byte, r *fieldReader) bool {
	number := func(into *int) { *into = int(r.integer(0, 1<<31)) }
	switch string(name) {
	case "message_bytes":
		number(&a.MessageBytes)
	case "messages_per_second":
		number(&a.MessagesPerSecond)
	case "message_burst":
		number(&a.MessageBurst)
	case "bytes_per_second":
		number(&a.BytesPerSecond)
	case "byte_burst":
		number(&a.ByteBurst)
	case "peers_per_message":
		number(&a.PeersPerMessage)
	case "ping_interval":
		a.PingInterval = r.span()
	case "report_interval":
		a.ReportInterval = r.span()
	default:
		return false
	}
	return true
}
