package segments

import (
	"crypto/ed25519"
	"encoding/binary"
	"errors"
	"fmt"
)

// ErrSignature is wrapped by errors about statements that do not hold.
var ErrSignature = errors.New("segments: statement does not verify")

// GrowingSize is the Size of a statement about a segment whose end is unknown.
const GrowingSize = -1

// statementDomain separates these signatures from any other use of the key.
const statementDomain = "shoal statement 1\x00"

// Statement is a seed's claim that the segment of some key in some swarm has
// this size and these leaves. While the segment still grows, Size is -1 and the
// claim is about its first Count leaves only; the final statement has the size
// and Count = PieceCount(Size).
//
// The signature is Ed25519 (RFC 8032) over:
//
//	"shoal statement 1" 00             18 bytes
//	be32(len(swarm)) || swarm          UTF-8
//	be32(len(key))   || key            ASCII
//	be64(size)                         two's complement, ff…ff while growing
//	be32(count)
//	SHA-224(be64(size) || leaves)      28 bytes, the digest of the first count leaves
type Statement struct {
	Size      int64
	Count     uint32
	Signature [ed25519.SignatureSize]byte
}

// Final reports whether the statement is about the whole segment.
func (st Statement) Final() bool { return st.Size >= 0 }

// Verify reports whether pub's owner said that key in swarm begins with the
// first Count of leaves (Size -1), or consists of exactly leaves (Size ≥ 0). Any
// error wraps ErrSignature.
func (st Statement) Verify(pub ed25519.PublicKey, swarm string, key Key, leaves []Leaf) error {
	switch {
	case len(pub) != ed25519.PublicKeySize:
		return fmt.Errorf("%w: %s: public key of %d bytes, want %d", ErrSignature, key, len(pub), ed25519.PublicKeySize)
	case st.Size < GrowingSize || st.Size > MaxSegmentSize:
		return fmt.Errorf("%w: %s: size %d is outside -1…%d", ErrSignature, key, st.Size, MaxSegmentSize)
	case st.Count > MaxPieces || int(st.Count) > len(leaves):
		return fmt.Errorf("%w: %s: it covers %d leaves, %d are known", ErrSignature, key, st.Count, len(leaves))
	case st.Final() && (int(st.Count) != PieceCount(st.Size) || len(leaves) != int(st.Count)):
		return fmt.Errorf("%w: %s: %d bytes are %d pieces, it covers %d of %d leaves",
			ErrSignature, key, st.Size, PieceCount(st.Size), st.Count, len(leaves))
	}
	if !ed25519.Verify(pub, statementMessage(swarm, key, st.Size, leaves[:st.Count]), st.Signature[:]) {
		return fmt.Errorf("%w: %s: the signature is not by %s", ErrSignature, key, EncodePublicKey(pub))
	}
	return nil
}

func statementMessage(swarm string, key Key, size int64, leaves []Leaf) []byte {
	m := make([]byte, 0, len(statementDomain)+4+len(swarm)+4+len(key)+8+4+len(Digest{}))
	m = append(m, statementDomain...)
	m = binary.BigEndian.AppendUint32(m, uint32(len(swarm)))
	m = append(m, swarm...)
	m = binary.BigEndian.AppendUint32(m, uint32(len(key)))
	m = append(m, key...)
	m = binary.BigEndian.AppendUint64(m, uint64(size))
	m = binary.BigEndian.AppendUint32(m, uint32(len(leaves)))
	digest := DigestOf(size, leaves)
	return append(m, digest[:]...)
}

// Signer makes statements with one private key. It is safe for concurrent use.
type Signer struct{ key ed25519.PrivateKey }

// NewSigner returns a signer for a key from GenerateKey or LoadKey.
func NewSigner(key ed25519.PrivateKey) *Signer { return &Signer{key: key} }

// Public is the key that others verify with.
func (s *Signer) Public() ed25519.PublicKey { return s.key.Public().(ed25519.PublicKey) }

// Sign states that key in swarm has size bytes and exactly these leaves, or,
// with size -1, that it begins with them.
func (s *Signer) Sign(swarm string, key Key, size int64, leaves []Leaf) Statement {
	st := Statement{Size: size, Count: uint32(len(leaves))}
	copy(st.Signature[:], ed25519.Sign(s.key, statementMessage(swarm, key, size, leaves)))
	return st
}
