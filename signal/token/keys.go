// Package token admits members by JSON Web Tokens (RFC 7519) that are bound to a
// swarm and to an expiry, signed with HS256 or EdDSA (RFC 8037).
//
// The operator's key file has a line for each key: its id, its algorithm, the key.
//
//	# KID    ALG     KEY
//	2026-11  EdDSA   43 characters of base64url, as 'shoal keygen' prints
//	web-1    HS256   base64 of 32 bytes or more
//
// Keys rotate by adding the new one, minting with it, and removing the old one when
// its last token has expired. The file is read again when it changes.
package token

import (
	"bufio"
	"bytes"
	"crypto/ed25519"
	"encoding/base64"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"time"
)

const (
	// MaxKeys bounds a key file.
	MaxKeys = 64
	// MinSecret is the shortest HS256 secret in bytes (RFC 7518 §3.2).
	MinSecret = 32
	// rereadAfter is how long a change of the file may go unnoticed.
	rereadAfter = 2 * time.Second
)

// key is one line.
type key struct {
	algorithm string // HS256 or EdDSA
	secret    []byte // for HS256
	public    ed25519.PublicKey
}

// verifier is the key as golang-jwt wants it.
func (k key) verifier() any {
	if k.algorithm == "EdDSA" {
		return k.public
	}
	return k.secret
}

// Keys are those of one file.
type Keys struct {
	file string

	mu      sync.Mutex
	byID    map[string]key
	changed time.Time // of the file
	size    int64
	looked  time.Time
}

// Load reads a key file.
func Load(file string) (*Keys, error) {
	k := &Keys{file: file}
	if err := k.read(time.Now()); err != nil {
		return nil, err
	}
	return k, nil
}

// read reads the file if it changed since.
func (k *Keys) read(now time.Time) error {
	k.looked = now
	info, err := os.Stat(k.file)
	if err != nil {
		return fmt.Errorf("token: keys: %w", err)
	}
	if info.ModTime().Equal(k.changed) && info.Size() == k.size {
		return nil
	}
	b, err := os.ReadFile(k.file)
	if err != nil {
		return fmt.Errorf("token: keys: %w", err)
	}
	keys, err := parse(b)
	if err != nil {
		return fmt.Errorf("token: %s: %w", k.file, err)
	}
	k.byID, k.changed, k.size = keys, info.ModTime(), info.Size()
	return nil
}

// current are the keys as the file has them; while it cannot be read, those it had.
func (k *Keys) current(now time.Time) map[string]key {
	k.mu.Lock()
	defer k.mu.Unlock()
	if now.Sub(k.looked) >= rereadAfter {
		_ = k.read(now) // half-written files are read again later
	}
	return k.byID
}

func parse(b []byte) (map[string]key, error) {
	keys := make(map[string]key)
	lines := bufio.NewScanner(bytes.NewReader(b))
	for n := 1; lines.Scan(); n++ {
		fields := strings.Fields(lines.Text())
		if len(fields) == 0 || strings.HasPrefix(fields[0], "#") {
			continue
		}
		if len(fields) != 3 {
			return nil, fmt.Errorf("line %d: %d words, want a key id, HS256 or EdDSA, and the key", n, len(fields))
		}
		id, at := fields[0], key{algorithm: fields[1]}
		raw, err := decode(fields[2])
		switch {
		case err != nil:
			return nil, fmt.Errorf("line %d: the key is not base64: %w", n, err)
		case at.algorithm == "HS256" && len(raw) < MinSecret:
			return nil, fmt.Errorf("line %d: a secret of %d bytes, want %d or more", n, len(raw), MinSecret)
		case at.algorithm == "HS256":
			at.secret = raw
		case at.algorithm == "EdDSA" && len(raw) != ed25519.PublicKeySize:
			return nil, fmt.Errorf("line %d: a public key of %d bytes, want %d", n, len(raw), ed25519.PublicKeySize)
		case at.algorithm == "EdDSA":
			at.public = ed25519.PublicKey(raw)
		default:
			return nil, fmt.Errorf("line %d: algorithm %q, want HS256 or EdDSA", n, at.algorithm)
		}
		if _, twice := keys[id]; twice {
			return nil, fmt.Errorf("line %d: key id %q again", n, id)
		}
		if keys[id] = at; len(keys) > MaxKeys {
			return nil, fmt.Errorf("line %d: more than %d keys", n, MaxKeys)
		}
	}
	if err := lines.Err(); err != nil {
		return nil, err
	}
	if len(keys) == 0 {
		return nil, errors.New("no key: nobody could be admitted")
	}
	return keys, nil
}

// decode takes base64 of either alphabet, padded or not.
func decode(text string) ([]byte, error) {
	text = strings.TrimRight(strings.NewReplacer("+", "-", "/", "_").Replace(text), "=")
	return base64.RawURLEncoding.DecodeString(text)
}
