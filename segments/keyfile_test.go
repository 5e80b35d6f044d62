package segments

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

func TestKeyFileRoundTrip(t *testing.T) {
	path := filepath.Join(t.TempDir(), "seed.pem")
	key, err := GenerateKey()
	if err != nil {
		t.Fatal(err)
	}
	if err := SaveKey(path, key); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if runtime.GOOS != "windows" && info.Mode().Perm() != 0o600 {
		t.Errorf("file mode %v, want 0600", info.Mode().Perm())
	}
	loaded, err := LoadKey(path)
	if err != nil || !loaded.Equal(key) {
		t.Fatalf("loaded another key: %v", err)
	}
	if err := SaveKey(path, key); !errors.Is(err, fs.ErrExist) {
		t.Errorf("saving over a key: got %v, want fs.ErrExist", err)
	}
}

func TestLoadKeyRefuses(t *testing.T) {
	ec, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(ec)
	if err != nil {
		t.Fatal(err)
	}
	key, err := GenerateKey()
	if err != nil {
		t.Fatal(err)
	}
	good := filepath.Join(t.TempDir(), "k")
	if err := SaveKey(good, key); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(good)
	if err != nil {
		t.Fatal(err)
	}
	pad := func(n int) []byte { return append(bytes.Clone(text), bytes.Repeat([]byte("\n"), n-len(text))...) }
	for _, c := range []struct {
		name string
		text []byte
		want string // in the error, empty for none
	}{
		{"at the size limit", pad(MaxKeyFile), ""},
		{"one byte past", pad(MaxKeyFile + 1), "16384"},
		{"empty", nil, "no PEM block"},
		{"another block", pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), "no PEM block"},
		{"another algorithm", pem.EncodeToMemory(&pem.Block{Type: pemPrivateKey, Bytes: der}), "want an Ed25519 key"},
		{"torn DER", pem.EncodeToMemory(&pem.Block{Type: pemPrivateKey, Bytes: der[:9]}), "asn1"},
	} {
		path := filepath.Join(t.TempDir(), "k")
		if err := os.WriteFile(path, c.text, 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := LoadKey(path)
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%s: got %v, want %q", c.name, err, c.want)
		}
	}
	if _, err := LoadKey(filepath.Join(t.TempDir(), "absent")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("absent file: got %v", err)
	}
}

func TestPublicKeyText(t *testing.T) {
	pub := testSigner().Public()
	text := EncodePublicKey(pub)
	if got, err := ParsePublicKey(text); err != nil || !got.Equal(pub) {
		t.Errorf("%s: got %x, %v", text, got, err)
	}
	for _, bad := range []string{"", text[:42], text + "A", strings.Repeat("!", 43), strings.Repeat("_", 43)} {
		if _, err := ParsePublicKey(bad); err == nil {
			t.Errorf("%q was accepted", bad)
		}
	}
}
