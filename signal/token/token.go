package token

import (
	"crypto/ed25519"
	"errors"
	"fmt"
	"net/netip"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/shoal-p2p/shoal/signal"
)

// leeway is how far clocks may differ.
const leeway = 30 * time.Second

// Any as a swarm admits to every swarm.
const Any = "*"

// claims are what a token says: the swarm it admits to, by name or blinded, "exp",
// and, if the token is for one member only, its id as "sub".
type claims struct {
	Swarm string `json:"swarm"`
	jwt.RegisteredClaims
}

// Errors of Verify.
var (
	ErrMissing = errors.New("a token is required")
	ErrInvalid = errors.New("the token is not valid")
	ErrExpired = errors.New("the token has expired")
	ErrSwarm   = errors.New("the token is for another swarm")
	ErrMember  = errors.New("the token is for another member")
)

// Admit is a signal.Config.Admit.
func (k *Keys) Admit(j *signal.Join, _ netip.Addr) (err error) {
	j.Expires, err = k.Verify(j.Token, j.Swarm, signal.IDOf(j.Secret), time.Now())
	return err
}

// Verify says whether a token admits a member to a swarm and until when, else why
// not. The reason is for the one who showed it: it does not tell one bad signature
// from another.
func (k *Keys) Verify(token, swarm string, member signal.MemberID, now time.Time) (until time.Time, err error) {
	if token == "" {
		return until, ErrMissing
	}
	keys := k.current(now)
	var c claims
	_, err = jwt.ParseWithClaims(token, &c, func(t *jwt.Token) (any, error) {
		id, _ := t.Header["kid"].(string)
		at, ok := keys[id]
		// The key decides on the algorithm, not the token: a public key must never
		// serve as an HMAC secret.
		if !ok || t.Method.Alg() != at.algorithm {
			return nil, ErrInvalid
		}
		return at.verifier(), nil
	}, jwt.WithValidMethods([]string{"HS256", "EdDSA"}), jwt.WithExpirationRequired(), jwt.WithLeeway(leeway),
		jwt.WithTimeFunc(func() time.Time { return now }))
	switch {
	case errors.Is(err, jwt.ErrTokenExpired):
		return until, ErrExpired
	case err != nil:
		return until, ErrInvalid
	case c.Swarm == "", c.Swarm != Any && signal.Blind(c.Swarm) != signal.Blind(swarm):
		return until, ErrSwarm
	case c.Subject != "" && c.Subject != member.String():
		return until, ErrMember
	}
	return c.ExpiresAt.Add(leeway), nil
}

// Grant is what a token is to say.
type Grant struct {
	KeyID   string
	Swarm   string // a name, a blinded name, or Any
	Member  string // id of the only member it admits; empty: whoever shows it
	Expires time.Time
}

// Mint signs a token with an Ed25519 private key or an HS256 secret.
func Mint(g Grant, private ed25519.PrivateKey, secret []byte) (string, error) {
	if g.Swarm == "" || g.KeyID == "" || g.Expires.IsZero() {
		return "", errors.New("token: a key id, a swarm and an expiry are required")
	}
	if g.Member != "" {
		if _, err := signal.ParseID(g.Member); err != nil {
			return "", fmt.Errorf("token: %w", err)
		}
	}
	c := claims{Swarm: g.Swarm, RegisteredClaims: jwt.RegisteredClaims{Subject: g.Member, ExpiresAt: jwt.NewNumericDate(g.Expires)}}
	if g.Swarm != Any {
		c.Swarm = signal.Blind(g.Swarm) // a token in a page's source need not name the stream
	}
	var method jwt.SigningMethod = jwt.SigningMethodEdDSA
	var with any = private
	switch {
	case private != nil && secret != nil || private == nil && secret == nil:
		return "", errors.New("token: either a private key or a secret is required")
	case secret != nil && len(secret) < MinSecret:
		return "", fmt.Errorf("token: a secret of %d bytes, want %d or more", len(secret), MinSecret)
	case secret != nil:
		method, with = jwt.SigningMethodHS256, secret
	}
	t := jwt.NewWithClaims(method, c)
	t.Header["kid"] = g.KeyID
	return t.SignedString(with)
}

// ParseSecret reads an HS256 secret as the key file has it.
func ParseSecret(text string) ([]byte, error) {
	raw, err := decode(text)
	if err != nil {
		return nil, fmt.Errorf("token: the secret is not base64: %w", err)
	}
	return raw, nil
}
