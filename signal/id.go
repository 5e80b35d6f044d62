package signal

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
)

// SecretSize is the length of a member's secret in bytes.
const SecretSize = 16

// MemberID names a member: the first 8 bytes of SHA-256(secret).
type MemberID [8]byte

// ErrMemberID reports a text that is not a member id.
var ErrMemberID = errors.New("signal: member id must be 16 lower-case hex digits")

// IDOf derives the id that belongs to a secret.
func IDOf(secret [SecretSize]byte) MemberID {
	sum := sha256.Sum256(secret[:])
	return MemberID(sum[:8])
}

// String is the text form: 16 lower-case hex digits.
func (id MemberID) String() string { return hex.EncodeToString(id[:]) }

// ParseID reads the text form; it returns ErrMemberID for anything else.
func ParseID(text string) (MemberID, error) {
	var id MemberID
	if len(text) != 2*len(id) {
		return id, fmt.Errorf("%w: %q has %d characters", ErrMemberID, clip(text), len(text))
	}
	for i := range len(text) {
		// hex.Decode would take upper case, which would give one member two names.
		if c := text[i]; (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return id, fmt.Errorf("%w: %q at %d", ErrMemberID, text, i)
		}
	}
	_, err := hex.Decode(id[:], []byte(text))
	return id, err
}

// clip keeps hostile text out of logs and error messages.
func clip(text string) string {
	const most = 32
	if len(text) <= most {
		return text
	}
	return text[:most] + "…"
}
