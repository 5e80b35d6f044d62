package token

import (
	"bytes"
	"crypto/ed25519"
	"encoding/base64"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/shoal-p2p/shoal/signal"
)

var (
	private = ed25519.NewKeyFromSeed(bytes.Repeat([]byte{7}, ed25519.SeedSize))
	public  = private.Public().(ed25519.PublicKey)
	secret  = bytes.Repeat([]byte{9}, MinSecret)
	now     = time.Unix(1_700_000_000, 0)
)

func line(id, algorithm string, raw []byte) string {
	return fmt.Sprintf("%s %s %s\n", id, algorithm, base64.StdEncoding.EncodeToString(raw))
}

func keyFile(t *testing.T, text string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "tokens.keys")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

func load(t *testing.T, text string) *Keys {
	t.Helper()
	k, err := Load(keyFile(t, text))
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func mint(t *testing.T, g Grant, private ed25519.PrivateKey, secret []byte) string {
	t.Helper()
	token, err := Mint(g, private, secret)
	if err != nil {
		t.Fatal(err)
	}
	return token
}

// raw signs whatever it is told to.
func raw(t *testing.T, method jwt.SigningMethod, id string, c jwt.MapClaims, with any) string {
	t.Helper()
	token := jwt.NewWithClaims(method, c)
	token.Header["kid"] = id
	text, err := token.SignedString(with)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func TestTokensAdmitToOneSwarmUntilTheyExpire(t *testing.T) {
	keys := load(t, "# keys\n\n"+line("ed", "EdDSA", public)+line("hs", "HS256", secret))
	member := signal.IDOf([signal.SecretSize]byte{1})
	g := func(id string) Grant { return Grant{KeyID: id, Swarm: "the match", Expires: now.Add(time.Hour)} }
	in := func(d time.Duration) int64 { return now.Add(d).Unix() }
	good := mint(t, g("ed"), private, nil)
	for _, tt := range []struct {
		name, token, swarm string
		want               error
	}{
		{"EdDSA", good, "the match", nil},
		{"HS256", mint(t, g("hs"), nil, secret), "the match", nil},
		{"blinded swarm", good, signal.Blind("the match"), nil},
		{"any swarm", mint(t, Grant{KeyID: "ed", Swarm: Any, Expires: now.Add(time.Hour)}, private, nil), "whatever", nil},
		{"this member", mint(t, Grant{KeyID: "ed", Swarm: "the match", Member: member.String(), Expires: now.Add(time.Hour)}, private, nil), "the match", nil},
		{"another member", mint(t, Grant{KeyID: "ed", Swarm: "the match", Member: signal.MemberID{3}.String(), Expires: now.Add(time.Hour)}, private, nil), "the match", ErrMember},
		{"another swarm", good, "another match", ErrSwarm},
		{"no swarm", raw(t, jwt.SigningMethodHS256, "hs", jwt.MapClaims{"exp": in(time.Hour)}, secret), "the match", ErrSwarm},
		{"no token", "", "the match", ErrMissing},
		{"not a token", "let me in", "the match", ErrInvalid},
		{"expired", mint(t, Grant{KeyID: "ed", Swarm: "the match", Expires: now.Add(-time.Minute)}, private, nil), "the match", ErrExpired},
		{"within the leeway", mint(t, Grant{KeyID: "ed", Swarm: "the match", Expires: now.Add(-leeway / 2)}, private, nil), "the match", nil},
		{"no expiry", raw(t, jwt.SigningMethodHS256, "hs", jwt.MapClaims{"swarm": "the match"}, secret), "the match", ErrInvalid},
		{"not yet", raw(t, jwt.SigningMethodHS256, "hs", jwt.MapClaims{"swarm": "the match", "exp": in(2 * time.Hour), "nbf": in(time.Hour)}, secret), "the match", ErrInvalid},
		{"unknown key", mint(t, g("other"), private, nil), "the match", ErrInvalid},
		{"another key", mint(t, g("ed"), ed25519.NewKeyFromSeed(bytes.Repeat([]byte{8}, 32)), nil), "the match", ErrInvalid},
		{"tampered", good[:len(good)-3] + "AAA", "the match", ErrInvalid},
		// The two classics: no signature, and the public key as an HMAC secret.
		{"algorithm none", raw(t, jwt.SigningMethodNone, "ed", jwt.MapClaims{"swarm": "the match", "exp": in(time.Hour)}, jwt.UnsafeAllowNoneSignatureType), "the match", ErrInvalid},
		{"public key as secret", raw(t, jwt.SigningMethodHS256, "ed", jwt.MapClaims{"swarm": "the match", "exp": in(time.Hour)}, []byte(public)), "the match", ErrInvalid},
		{"another algorithm", raw(t, jwt.SigningMethodHS512, "hs", jwt.MapClaims{"swarm": "the match", "exp": in(time.Hour)}, secret), "the match", ErrInvalid},
	} {
		if _, err := keys.Verify(tt.token, tt.swarm, member, now); !errors.Is(err, tt.want) {
			t.Errorf("%s: %v, want %v", tt.name, err, tt.want)
		}
	}
	j := &signal.Join{Swarm: "the match", Token: good}
	if err := keys.Admit(j, netip.Addr{}); err == nil && j.Expires.IsZero() {
		t.Error("admitted for ever")
	}
	if until, err := keys.Verify(good, "the match", member, now); err != nil || !until.Equal(time.Unix(now.Add(time.Hour).Unix(), 0).Add(leeway)) {
		t.Errorf("admitted until %v: %v", until, err)
	}
	if strings.Contains(good, base64.RawURLEncoding.EncodeToString([]byte("the match"))) {
		t.Error("a token names its swarm")
	}
}

func TestKeysRotateWithoutARestart(t *testing.T) {
	file := keyFile(t, line("old", "HS256", secret))
	keys, err := Load(file)
	if err != nil {
		t.Fatal(err)
	}
	at := time.Now()
	g := Grant{Swarm: "s", Expires: at.Add(time.Hour)}
	g.KeyID = "old"
	old := mint(t, g, nil, secret)
	g.KeyID = "new"
	young := mint(t, g, private, nil)
	verify := func(token string) error {
		at = at.Add(rereadAfter)
		_, err := keys.Verify(token, "s", signal.MemberID{}, at)
		return err
	}
	write := func(text string, age time.Duration) {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		os.Chtimes(file, time.Time{}, time.Now().Add(age))
	}
	if verify(old) != nil || verify(young) == nil {
		t.Error("before the rotation")
	}
	write(line("old", "HS256", secret)+line("new", "EdDSA", public), time.Second)
	if verify(old) != nil || verify(young) != nil {
		t.Error("with both keys, both tokens must do")
	}
	write("half a li", 2*time.Second) // somebody is writing: what was known stays
	if verify(old) != nil || verify(young) != nil {
		t.Error("a broken file locked everybody out")
	}
	write(line("new", "EdDSA", public), 3*time.Second)
	if verify(old) == nil || verify(young) != nil {
		t.Error("after the rotation")
	}
}

func TestKeyFileErrorsNameTheLine(t *testing.T) {
	many := ""
	for i := range MaxKeys + 1 {
		many += line(fmt.Sprint(i), "HS256", secret)
	}
	for _, tt := range []struct{ name, text, want string }{
		{"empty", "# nothing\n", "no key"},
		{"words", "\nid HS256\n", "line 2"},
		{"algorithm", line("a", "RS256", secret), `"RS256"`},
		{"short secret", line("a", "HS256", secret[1:]), "31 bytes"},
		{"short key", line("a", "EdDSA", public[1:]), "31 bytes"},
		{"not base64", "a HS256 !!!!\n", "line 1"},
		{"twice", line("a", "HS256", secret) + line("a", "EdDSA", public), "line 2"},
		{"too many", many, "line 65"},
	} {
		if _, err := Load(keyFile(t, tt.text)); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v, want %q", tt.name, err, tt.want)
		}
	}
	if _, err := Load(filepath.Join(t.TempDir(), "missing")); err == nil {
		t.Error("a file that is not there was read")
	}
}

func TestMintRefuses(t *testing.T) {
	ok := Grant{KeyID: "k", Swarm: "s", Expires: now}
	for name, f := range map[string]func() (string, error){
		"no swarm":     func() (string, error) { return Mint(Grant{KeyID: "k", Expires: now}, private, nil) },
		"no expiry":    func() (string, error) { return Mint(Grant{KeyID: "k", Swarm: "s"}, private, nil) },
		"no key":       func() (string, error) { return Mint(ok, nil, nil) },
		"two keys":     func() (string, error) { return Mint(ok, private, secret) },
		"short secret": func() (string, error) { return Mint(ok, nil, secret[1:]) },
		"bad member": func() (string, error) {
			return Mint(Grant{KeyID: "k", Swarm: "s", Member: "me", Expires: now}, private, nil)
		},
	} {
		if token, err := f(); err == nil {
			t.Errorf("%s: minted %s", name, token)
		}
	}
}

func TestAdmitReadsTheJoin(t *testing.T) {
	keys := load(t, line("hs", "HS256", secret))
	token := mint(t, Grant{KeyID: "hs", Swarm: "s", Expires: time.Now().Add(time.Minute)}, nil, secret)
	if err := keys.Admit(&signal.Join{Swarm: "s", Token: token}, netip.Addr{}); err != nil {
		t.Error(err)
	}
	if err := keys.Admit(&signal.Join{Swarm: "t", Token: token}, netip.Addr{}); !errors.Is(err, ErrSwarm) {
		t.Error(err)
	}
}

// FuzzVerify must neither panic nor admit anybody.
func FuzzVerify(f *testing.F) {
	good, err := Mint(Grant{KeyID: "hs", Swarm: "s", Expires: now.Add(time.Hour)}, nil, secret)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good[:len(good)-1])
	f.Add("a.b.c")
	keys := &Keys{byID: map[string]key{"hs": {algorithm: "HS256", secret: secret}}, looked: now}
	f.Fuzz(func(t *testing.T, token string) {
		if _, err := keys.Verify(token, "s", signal.MemberID{}, now); err == nil && token != good {
			// Base64 has several spellings of the last bits; the same bytes are the same token.
			if c := strings.TrimRight(token, "="); !strings.HasPrefix(c, good[:len(good)-1]) {
				t.Errorf("admitted by %q", token)
			}
		}
	})
}
