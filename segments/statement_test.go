package segments

import (
	"bytes"
	"crypto/ed25519"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"slices"
	"testing"
)

// testSigner's key is RFC 8032 §7.1 TEST 1, so that other implementations can
// reproduce the vector below.
func testSigner() *Signer {
	seed := []byte{
		0x9d, 0x61, 0xb1, 0x9d, 0xef, 0xfd, 0x5a, 0x60, 0xba, 0x84, 0x4a, 0xf4, 0x92, 0xec, 0x2c, 0xc4,
		0x44, 0x49, 0xc5, 0x69, 0x7b, 0x32, 0x69, 0x19, 0x70, 0x3b, 0xac, 0x03, 0x1c, 0xae, 0x7f, 0x60,
	}
	return NewSigner(ed25519.NewKeyFromSeed(seed))
}

func TestStatementMessageLayout(t *testing.T) {
	leaves := LeavesOf(randomBytes(2, PieceSize+1))
	for _, size := range []int64{PieceSize + 1, GrowingSize} {
		digest := DigestOf(size, leaves)
		var want bytes.Buffer
		want.WriteString("shoal statement 1\x00")
		write := func(v any) { binary.Write(&want, binary.BigEndian, v) }
		write(uint32(5))
		want.WriteString("swarm")
		write(uint32(4))
		want.WriteString("p/v1")
		write(size)
		write(uint32(2))
		want.Write(digest[:])
		if got := statementMessage("swarm", "p/v1", size, leaves); !bytes.Equal(got, want.Bytes()) {
			t.Errorf("size %d:\ngot  %x\nwant %x", size, got, want.Bytes())
		}
	}
}

// TestStatementVector pins the bytes to what Python's cryptography package signs
// for a segment of the five bytes "shoal".
func TestStatementVector(t *testing.T) {
	const want = "29e057f7fd06195436039d9a67fa89df164b2eb5c16cbd8d02de162c9cb7caf0" +
		"6e61166f74e2c83cc00b6c39941e88514d2e6dbc79002177bdfcc88e69d0270d"
	st := testSigner().Sign("swarm", "p/v1", 5, LeavesOf([]byte("shoal")))
	if got := hex.EncodeToString(st.Signature[:]); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestStatementVerify(t *testing.T) {
	s := testSigner()
	leaves := LeavesOf(randomBytes(3, 3*PieceSize))
	final := s.Sign("w", "p/1", 3*PieceSize, leaves)
	growing := s.Sign("w", "p/1", GrowingSize, leaves[:2])
	stranger := NewSigner(ed25519.NewKeyFromSeed(make([]byte, 32)))
	altered := slices.Clone(leaves)
	altered[1][0] ^= 1
	change := func(st Statement, f func(*Statement)) Statement { f(&st); return st }
	for _, c := range []struct {
		name   string
		st     Statement
		pub    ed25519.PublicKey
		swarm  string
		key    Key
		leaves []Leaf
		ok     bool
	}{
		{"final", final, s.Public(), "w", "p/1", leaves, true},
		{"growing", growing, s.Public(), "w", "p/1", leaves[:2], true},
		{"growing with more leaves known", growing, s.Public(), "w", "p/1", leaves, true},
		{"growing with a leaf missing", growing, s.Public(), "w", "p/1", leaves[:1], false},
		{"final with a leaf missing", final, s.Public(), "w", "p/1", leaves[:2], false},
		{"final with a leaf too many", final, s.Public(), "w", "p/1", append(slices.Clone(leaves), Leaf{}), false},
		{"another swarm", final, s.Public(), "x", "p/1", leaves, false},
		{"another key", final, s.Public(), "w", "p/2", leaves, false},
		{"bytes moved between swarm and key", final, s.Public(), "wp", "/1", leaves, false},
		{"another leaf", final, s.Public(), "w", "p/1", altered, false},
		{"another signer", final, stranger.Public(), "w", "p/1", leaves, false},
		{"short public key", final, s.Public()[:31], "w", "p/1", leaves, false},
		{"no public key", final, nil, "w", "p/1", leaves, false},
		{"final passed off as growing", change(final, func(st *Statement) { st.Size = -1 }), s.Public(), "w", "p/1", leaves, false},
		{"growing passed off as final", change(s.Sign("w", "p/1", -1, leaves), func(st *Statement) { st.Size = 3 * PieceSize }), s.Public(), "w", "p/1", leaves, false},
		{"size changed within the piece", change(final, func(st *Statement) { st.Size-- }), s.Public(), "w", "p/1", leaves, false},
		{"count does not fit size", s.Sign("w", "p/1", 5*PieceSize, leaves), s.Public(), "w", "p/1", leaves, false},
		{"size below -1", s.Sign("w", "p/1", -2, leaves), s.Public(), "w", "p/1", leaves, false},
		{"huge count", change(growing, func(st *Statement) { st.Count = 1 << 31 }), s.Public(), "w", "p/1", leaves, false},
		{"signature bit flipped", change(final, func(st *Statement) { st.Signature[40] ^= 1 }), s.Public(), "w", "p/1", leaves, false},
		{"zero", Statement{}, s.Public(), "w", "p/1", nil, false},
	} {
		err := c.st.Verify(c.pub, c.swarm, c.key, c.leaves)
		if c.ok != (err == nil) || err != nil && !errors.Is(err, ErrSignature) {
			t.Errorf("%s: got %v", c.name, err)
		}
	}
}

func TestStatementLimits(t *testing.T) {
	s := testSigner()
	leaves := make([]Leaf, MaxPieces+1)
	if err := s.Sign("w", "p/1", MaxSegmentSize, leaves[:MaxPieces]).Verify(s.Public(), "w", "p/1", leaves[:MaxPieces]); err != nil {
		t.Errorf("at the size limit: %v", err)
	}
	if err := s.Sign("w", "p/1", MaxSegmentSize+1, leaves).Verify(s.Public(), "w", "p/1", leaves); !errors.Is(err, ErrSignature) {
		t.Errorf("one byte past: got %v", err)
	}
	if err := s.Sign("w", "p/1", -1, leaves[:MaxPieces]).Verify(s.Public(), "w", "p/1", leaves); err != nil {
		t.Errorf("at the count limit: %v", err)
	}
	if err := s.Sign("w", "p/1", -1, leaves).Verify(s.Public(), "w", "p/1", leaves); !errors.Is(err, ErrSignature) {
		t.Errorf("one leaf past: got %v", err)
	}
}

// FuzzStatement: no statement about anything but what was signed verifies, and
// none panics.
func FuzzStatement(f *testing.F) {
	s := testSigner()
	leaves := LeavesOf(randomBytes(4, 3*PieceSize))
	signed := s.Sign("w", "p/1", 3*PieceSize, leaves)
	f.Add(signed.Size, signed.Count, signed.Signature[:], []byte(s.Public()), "w", "p/1", 3)
	f.Add(int64(-1), uint32(1<<31), []byte{}, []byte{}, "", "", 0)
	f.Fuzz(func(t *testing.T, size int64, count uint32, signature, pub []byte, swarm, key string, known int) {
		st := Statement{Size: size, Count: count}
		copy(st.Signature[:], signature)
		known = max(0, min(known, len(leaves)))
		err := st.Verify(pub, swarm, Key(key), leaves[:known])
		if !bytes.Equal(pub, s.Public()) {
			return // a fuzzer may well find a weak public key of its own
		}
		same := st == signed && swarm == "w" && key == "p/1" && known == 3
		if (err == nil) != same {
			t.Fatalf("%+v about %q %q and %d leaves: %v", st, swarm, key, known, err)
		}
	})
}
