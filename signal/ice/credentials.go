package ice

import (
	"crypto/hmac"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"net"
	"strconv"
	"strings"
	"time"

	"github.com/pion/turn/v5"

	"github.com/shoal-p2p/shoal/signal"
)

// user is whose relay it is.
type user struct{ member, swarm string }

// swarmTag names a swarm in a user name without telling its name.
func swarmTag(swarm string) string {
	sum := sha256.Sum256([]byte(swarm))
	return hex.EncodeToString(sum[:8])
}

// Servers are the entries of Welcome's ice_servers for one member: what this server
// offers, under the host name that the member uses.
func (s *Server) Servers(member signal.MemberID, swarm, host string) []signal.ICEServer {
	if s.cfg.Host != "" {
		host = s.cfg.Host
	}
	if !usableHost(host) {
		return nil
	}
	at := net.JoinHostPort(host, strconv.Itoa(s.port))
	servers := []signal.ICEServer{{URLs: []string{"stun:" + at}}}
	if !s.cfg.Relay {
		return servers
	}
	name := strconv.FormatInt(s.cfg.Clock().Add(s.cfg.CredentialLife).Unix(), 10) + ":" + member.String() + "." + swarmTag(swarm)
	urls := []string{"turn:" + at + "?transport=udp", "turn:" + at + "?transport=tcp"}
	if s.tlsPort != 0 {
		urls = append(urls, "turns:"+net.JoinHostPort(host, strconv.Itoa(s.tlsPort))+"?transport=tcp")
	}
	return append(servers, signal.ICEServer{
		URLs:       urls,
		Username:   name,
		Credential: s.password(name),
	})
}

// usableHost lets through what may stand in a URL: the host comes from a request's
// Host header.
func usableHost(host string) bool {
	return host != "" && len(host) <= 253 && strings.IndexFunc(host, func(r rune) bool {
		return !(r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r == '.' || r == '-' || r == ':')
	}) < 0
}

func (s *Server) password(username string) string {
	mac := hmac.New(sha1.New, s.cfg.Secret) // the scheme's; collisions do not matter to an HMAC (RFC 6194 §3.3)
	mac.Write([]byte(username))
	return base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

// authenticate implements turn.AuthHandler.
func (s *Server) authenticate(a *turn.RequestAttributes) (userID string, key []byte, ok bool) {
	if !s.cfg.Relay {
		return "", nil, false
	}
	expiry, id, found := strings.Cut(a.Username, ":")
	seconds, err := strconv.ParseInt(expiry, 10, 64)
	if _, valid := parseUser(id); !found || err != nil || !valid {
		s.metrics.refused.WithLabelValues("user").Inc()
		return "", nil, false
	}
	if !s.cfg.Clock().Before(time.Unix(seconds, 0)) {
		s.metrics.refused.WithLabelValues("expired").Inc()
		return "", nil, false
	}
	return id, turn.GenerateAuthKey(a.Username, a.Realm, s.password(a.Username)), true
}

// parseUser splits MEMBER.SWARM, both 16 hex digits.
func parseUser(id string) (user, bool) {
	member, swarm, ok := strings.Cut(id, ".")
	if !ok || len(member) != 16 || len(swarm) != 16 {
		return user{}, false
	}
	for _, part := range []string{member, swarm} {
		if _, err := hex.DecodeString(part); err != nil {
			return user{}, false
		}
	}
	return user{member, swarm}, true
}
