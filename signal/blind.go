package signal

import (
	"crypto/sha256"
	"encoding/base64"
	"strings"
)

// blindPrefix marks a blinded swarm name, blindLength is how long one is.
const (
	blindPrefix = "~"
	blindLength = len(blindPrefix) + 43
)

// blindContext keeps the hash apart from every other use of SHA-256 on a name.
const blindContext = "shoal swarm\n"

// Blind is the form of a swarm's name that travels and that the server keeps: "~"
// and SHA-256("shoal swarm\n" ‖ name) in unpadded base64url (RFC 4648 §5). Whoever
// reads the server's memory or its logs does not learn what is being watched,
// unless they can guess the name. A blinded name stays as it is, and a server takes
// a name and its blinded form for the same swarm.
func Blind(name string) string {
	if isBlind(name) {
		return name
	}
	sum := sha256.Sum256([]byte(blindContext + name))
	return blindPrefix + base64.RawURLEncoding.EncodeToString(sum[:])
}

func isBlind(name string) bool {
	if len(name) != blindLength || !strings.HasPrefix(name, blindPrefix) {
		return false
	}
	_, err := base64.RawURLEncoding.DecodeString(name[len(blindPrefix):])
	return err == nil
}
