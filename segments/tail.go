package segments

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
)

// MaxTail is the longest tail in bytes: with one more it is a piece.
const MaxTail = PieceSize - 1

// tailDomain keeps a signed tail from being taken for a statement about leaves:
// the hash of half a piece must never pass for a leaf.
const tailDomain = "shoal tail 1\x00"

// Tail is the beginning of a piece that is not whole yet: what a segment ends in
// while the origin is still making it. A chunk of a low-latency segment may be a
// quarter of a piece (half a second of audio is 4 KiB), and its first byte must
// not wait for three others. A tail only ever grows; the whole piece replaces it
// and must begin with it.
type Tail struct {
	Index int    // of the piece
	Bytes []byte // from its start, 1 to MaxTail; never changed
	// Signature of a seed over exactly these bytes, nil when nobody vouches:
	// Ed25519 (RFC 8032) over
	//
	//	"shoal tail 1" 00                  13 bytes
	//	be32(len(swarm)) || swarm          UTF-8
	//	be32(len(key))   || key            ASCII
	//	be32(index)
	//	be32(len(bytes))
	//	SHA-256(bytes)                     32 bytes
	Signature *[ed25519.SignatureSize]byte
}

// Verify reports whether pub's owner said that piece Index of key in swarm
// begins with Bytes. Any error wraps ErrSignature.
func (t Tail) Verify(pub ed25519.PublicKey, swarm string, key Key) error {
	switch {
	case len(pub) != ed25519.PublicKeySize:
		return fmt.Errorf("%w: %s: public key of %d bytes, want %d", ErrSignature, key, len(pub), ed25519.PublicKeySize)
	case t.Signature == nil:
		return fmt.Errorf("%w: %s: the tail of piece %d bears none", ErrSignature, key, t.Index)
	case t.Index < 0 || t.Index >= MaxPieces || len(t.Bytes) == 0 || len(t.Bytes) > MaxTail:
		return fmt.Errorf("%w: %s: tail of %d bytes in piece %d", ErrSignature, key, len(t.Bytes), t.Index)
	}
	if !ed25519.Verify(pub, tailMessage(swarm, key, t.Index, t.Bytes), t.Signature[:]) {
		return fmt.Errorf("%w: %s: the tail of piece %d is not by %s", ErrSignature, key, t.Index, EncodePublicKey(pub))
	}
	return nil
}

// SignTail states that piece index of key in swarm begins with bytes.
func (s *Signer) SignTail(swarm string, key Key, index int, bytes []byte) *[ed25519.SignatureSize]byte {
	return (*[ed25519.SignatureSize]byte)(ed25519.Sign(s.key, tailMessage(swarm, key, index, bytes)))
}

func tailMessage(swarm string, key Key, index int, tail []byte) []byte {
	m := make([]byte, 0, len(tailDomain)+4+len(swarm)+4+len(key)+4+4+sha256.Size)
	m = append(m, tailDomain...)
	m = binary.BigEndian.AppendUint32(m, uint32(len(swarm)))
	m = append(m, swarm...)
	m = binary.BigEndian.AppendUint32(m, uint32(len(key)))
	m = append(m, key...)
	m = binary.BigEndian.AppendUint32(m, uint32(index))
	m = binary.BigEndian.AppendUint32(m, uint32(len(tail)))
	sum := sha256.Sum256(tail)
	return append(m, sum[:]...)
}
