package segments

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"io"
	"os"
)

// MaxKeyFile is the largest key file, in bytes, that LoadKey reads.
const MaxKeyFile = 16 << 10

const pemPrivateKey = "PRIVATE KEY" // RFC 7468 §10

// GenerateKey returns a new random signing key.
func GenerateKey() (ed25519.PrivateKey, error) {
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("segments: generating a signing key: %w", err)
	}
	return key, nil
}

// SaveKey writes key to a new file as PEM PKCS #8 (RFC 8410), readable by its
// owner only. It never replaces a file: losing a key silences a seed.
func SaveKey(path string, key ed25519.PrivateKey) error {
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return fmt.Errorf("segments: encoding the signing key: %w", err)
	}
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return fmt.Errorf("segments: saving the signing key: %w", err)
	}
	_, err = file.Write(pem.EncodeToMemory(&pem.Block{Type: pemPrivateKey, Bytes: der}))
	if err == nil {
		err = file.Sync()
	}
	if closeErr := file.Close(); err == nil {
		err = closeErr
	}
	if err != nil {
		os.Remove(path)
		return fmt.Errorf("segments: saving the signing key: %w", err)
	}
	return nil
}

// LoadKey reads a file that SaveKey, or "openssl genpkey -algorithm ed25519",
// wrote.
func LoadKey(path string) (ed25519.PrivateKey, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("segments: loading the signing key: %w", err)
	}
	defer file.Close()
	text, err := io.ReadAll(io.LimitReader(file, MaxKeyFile+1))
	if err != nil {
		return nil, fmt.Errorf("segments: loading the signing key: %w", err)
	}
	if len(text) > MaxKeyFile {
		return nil, fmt.Errorf("%w: key file %s has more than %d bytes", ErrTooLarge, path, MaxKeyFile)
	}
	block, _ := pem.Decode(text)
	if block == nil || block.Type != pemPrivateKey {
		return nil, fmt.Errorf("segments: %s holds no PEM block %q; make one with shoal keygen", path, pemPrivateKey)
	}
	parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("segments: %s: %w", path, err)
	}
	key, ok := parsed.(ed25519.PrivateKey)
	if !ok {
		return nil, fmt.Errorf("segments: %s holds a %T, want an Ed25519 key", path, parsed)
	}
	return key, nil
}

// EncodePublicKey gives the form in which pages, servers and flags carry a
// public key: unpadded base64url (RFC 4648 §5), 43 characters.
func EncodePublicKey(pub ed25519.PublicKey) string {
	return base64.RawURLEncoding.EncodeToString(pub)
}

// ParsePublicKey reads what EncodePublicKey wrote.
func ParsePublicKey(text string) (ed25519.PublicKey, error) {
	if len(text) != base64.RawURLEncoding.EncodedLen(ed25519.PublicKeySize) {
		return nil, fmt.Errorf("segments: public key of %d characters, want 43 of base64url", len(text))
	}
	pub, err := base64.RawURLEncoding.Strict().DecodeString(text)
	if err != nil {
		return nil, fmt.Errorf("segments: public key: %w", err)
	}
	return pub, nil
}
