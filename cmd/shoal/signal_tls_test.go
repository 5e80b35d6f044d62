package main

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/shoal-p2p/shoal/signal"
	"github.com/shoal-p2p/shoal/signal/tracker"
)

// authority is a certificate authority that speaks ACME (RFC 8555), as much of it
// as one order by tls-alpn-01 (RFC 8737) needs. It checks the signature of every
// request, and the challenge as a real one does: by a handshake with the server.
type authority struct {
	t      *testing.T
	server *httptest.Server
	key    *ecdsa.PrivateKey
	root   *x509.Certificate

	mu      sync.Mutex
	nonces  map[string]bool
	account *ecdsa.PublicKey
	thumb   string // of the account's key, RFC 7638
	at      string // where the domain's server listens
	domain  string
	valid   bool
	chain   []byte
	orders  int
}

func newAuthority(t *testing.T) *authority {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test authority"},
		NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	root, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	a := &authority{t: t, key: key, root: root, nonces: map[string]bool{}}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /directory", func(w http.ResponseWriter, _ *http.Request) {
		a.say(w, 200, map[string]any{"newNonce": a.url("/nonce"), "newAccount": a.url("/account"), "newOrder": a.url("/order"),
			"revokeCert": a.url("/revoke"), "keyChange": a.url("/key")})
	})
	mux.HandleFunc("HEAD /nonce", func(w http.ResponseWriter, _ *http.Request) { a.nonce(w) })
	for path, answer := range map[string]func(http.ResponseWriter, []byte){
		"/account": func(w http.ResponseWriter, _ []byte) {
			w.Header().Set("Location", a.url("/account/1"))
			a.say(w, 201, map[string]any{"status": "valid"})
		},
		"/order":     a.newOrder,
		"/order/1":   func(w http.ResponseWriter, _ []byte) { a.order(w, 200) },
		"/authz":     a.authorization,
		"/challenge": a.challenge,
		"/finalize":  a.finalize,
		"/cert": func(w http.ResponseWriter, _ []byte) {
			a.nonce(w)
			w.Header().Set("Content-Type", "application/pem-certificate-chain")
			w.Write(a.chain)
		},
	} {
		mux.HandleFunc("POST "+path, func(w http.ResponseWriter, r *http.Request) {
			a.mu.Lock()
			defer a.mu.Unlock()
			payload, err := a.open(r)
			if err != nil {
				t.Errorf("authority: %s: %v", r.URL.Path, err)
				http.Error(w, err.Error(), http.StatusBadRequest)
				return
			}
			answer(w, payload)
		})
	}
	a.server = httptest.NewServer(mux)
	t.Cleanup(a.server.Close)
	return a
}

func (a *authority) url(path string) string { return a.server.URL + path }

func (a *authority) nonce(w http.ResponseWriter) {
	var b [12]byte
	rand.Read(b[:])
	n := base64.RawURLEncoding.EncodeToString(b[:])
	a.nonces[n] = true
	w.Header().Set("Replay-Nonce", n)
}

func (a *authority) say(w http.ResponseWriter, status int, v any) {
	a.nonce(w)
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(v)
}

// open checks a request's JWS (RFC 8555 §6.2) and returns what it says.
func (a *authority) open(r *http.Request) ([]byte, error) {
	var jws struct{ Protected, Payload, Signature string }
	if err := json.NewDecoder(io.LimitReader(r.Body, 1<<20)).Decode(&jws); err != nil {
		return nil, err
	}
	decode := base64.RawURLEncoding.DecodeString
	protected, err := decode(jws.Protected)
	if err != nil {
		return nil, err
	}
	var head struct {
		Alg, Nonce, URL string
		JWK             *struct{ X, Y string }
	}
	if err := json.Unmarshal(protected, &head); err != nil {
		return nil, err
	}
	if head.Alg != "ES256" || head.URL != a.url(r.URL.Path) || !a.nonces[head.Nonce] {
		return nil, fmt.Errorf("algorithm %q, URL %q or nonce %q is wrong", head.Alg, head.URL, head.Nonce)
	}
	delete(a.nonces, head.Nonce)
	if head.JWK != nil {
		x, _ := decode(head.JWK.X)
		y, _ := decode(head.JWK.Y)
		if a.account, err = ecdsa.ParseUncompressedPublicKey(elliptic.P256(), slices.Concat([]byte{4}, x, y)); err != nil {
			return nil, err
		}
		sum := sha256.Sum256(fmt.Appendf(nil, `{"crv":"P-256","kty":"EC","x":"%s","y":"%s"}`, head.JWK.X, head.JWK.Y))
		a.thumb = base64.RawURLEncoding.EncodeToString(sum[:])
	}
	signature, err := decode(jws.Signature)
	if err != nil || len(signature) != 64 || a.account == nil {
		return nil, fmt.Errorf("signature of %d bytes: %v", len(signature), err)
	}
	digest := sha256.Sum256([]byte(jws.Protected + "." + jws.Payload))
	if !ecdsa.Verify(a.account, digest[:], new(big.Int).SetBytes(signature[:32]), new(big.Int).SetBytes(signature[32:])) {
		return nil, fmt.Errorf("the signature does not verify")
	}
	return decode(jws.Payload)
}

func (a *authority) newOrder(w http.ResponseWriter, payload []byte) {
	var in struct{ Identifiers []struct{ Value string } }
	if err := json.Unmarshal(payload, &in); err != nil || len(in.Identifiers) != 1 {
		http.Error(w, "want one identifier", http.StatusBadRequest)
		return
	}
	a.domain = in.Identifiers[0].Value
	a.orders++
	w.Header().Set("Location", a.url("/order/1"))
	a.order(w, 201)
}

func (a *authority) order(w http.ResponseWriter, status int) {
	state := map[string]any{"status": "pending", "authorizations": []string{a.url("/authz")}, "finalize": a.url("/finalize"),
		"identifiers": []any{map[string]string{"type": "dns", "value": a.domain}}}
	if a.valid {
		state["status"] = "ready"
	}
	if a.chain != nil {
		state["status"], state["certificate"] = "valid", a.url("/cert")
	}
	a.say(w, status, state)
}

const challengeToken = "evaGxfADs6pSRb2LAv9IZf17Dt3juxGJ-PCt92wr-oA"

func (a *authority) status() string {
	if a.valid {
		return "valid"
	}
	return "pending"
}

func (a *authority) authorization(w http.ResponseWriter, _ []byte) {
	a.say(w, 200, map[string]any{"status": a.status(), "identifier": map[string]string{"type": "dns", "value": a.domain},
		"challenges": []any{map[string]string{"type": "tls-alpn-01", "url": a.url("/challenge"), "token": challengeToken, "status": a.status()}}})
}

// challenge connects as RFC 8737 §3 says and reads the key authorization from the
// certificate shown.
func (a *authority) challenge(w http.ResponseWriter, _ []byte) {
	conn, err := tls.Dial("tcp", a.at, &tls.Config{ServerName: a.domain, NextProtos: []string{"acme-tls/1"}, InsecureSkipVerify: true})
	if err != nil {
		a.t.Errorf("authority: challenge: %v", err)
	} else {
		defer conn.Close()
		want := sha256.Sum256([]byte(challengeToken + "." + a.thumb))
		for _, e := range conn.ConnectionState().PeerCertificates[0].Extensions {
			var got []byte
			if e.Id.String() == "1.3.6.1.5.5.7.1.31" && e.Critical {
				asn1.Unmarshal(e.Value, &got)
				a.valid = string(got) == string(want[:])
			}
		}
	}
	a.say(w, 200, map[string]string{"type": "tls-alpn-01", "url": a.url("/challenge"), "token": challengeToken, "status": a.status()})
}

func (a *authority) finalize(w http.ResponseWriter, payload []byte) {
	var in struct{ CSR string }
	json.Unmarshal(payload, &in)
	der, _ := base64.RawURLEncoding.DecodeString(in.CSR)
	csr, err := x509.ParseCertificateRequest(der)
	if err != nil || !a.valid || csr.CheckSignature() != nil || len(csr.DNSNames) != 1 || csr.DNSNames[0] != a.domain {
		http.Error(w, "bad request for a certificate", http.StatusForbidden)
		return
	}
	a.chain = a.sign(csr.PublicKey, a.domain, 2)
	a.order(w, 200)
}

// sign makes a certificate for a domain, as PEM.
func (a *authority) sign(public crypto.PublicKey, domain string, serial int64) []byte {
	der, err := x509.CreateCertificate(rand.Reader, &x509.Certificate{SerialNumber: big.NewInt(serial), DNSNames: []string{domain},
		NotBefore: time.Now().Add(-time.Minute), NotAfter: time.Now().Add(90 * 24 * time.Hour)}, a.root, public, a.key)
	if err != nil {
		a.t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
}

func (a *authority) pool() *x509.CertPool {
	p := x509.NewCertPool()
	p.AddCert(a.root)
	return p
}

// serveTLS serves a signalling server under the options' TLS.
func serveTLS(t *testing.T, o *tlsOptions) (at string) {
	t.Helper()
	cfg, err := o.config()
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := signal.NewServer(signal.Config{})
	web := &http.Server{Handler: signalMux(s, tracker.New(tracker.Config{})), TLSConfig: cfg,
		ErrorLog: slog.NewLogLogger(slog.DiscardHandler, slog.LevelDebug)}
	go web.ServeTLS(l, "", "")
	t.Cleanup(func() { s.Close(); web.Close() })
	return l.Addr().String()
}

// healthy asks for /healthz under a name and returns the certificate's serial.
func healthy(at, name string, roots *x509.CertPool) (serial int64, err error) {
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots, ServerName: name}, DisableKeepAlives: true},
		Timeout: 20 * time.Second}
	resp, err := client.Get("https://" + at + "/healthz")
	if err != nil {
		return 0, err
	}
	resp.Body.Close()
	return resp.TLS.PeerCertificates[0].SerialNumber.Int64(), nil
}

func TestACMEGetsACertificate(t *testing.T) {
	a := newAuthority(t)
	cache := t.TempDir()
	o := &tlsOptions{acme: []string{"tv.example"}, acmeCache: cache, acmeServer: a.url("/directory"), acmeClient: a.server.Client()}
	at := serveTLS(t, o)
	a.mu.Lock()
	a.at = at
	a.mu.Unlock()
	if _, err := healthy(at, "tv.example", a.pool()); err != nil {
		t.Fatal(err)
	}
	if _, err := healthy(at, "evil.example", a.pool()); err == nil {
		t.Error("a name that was not given got a certificate")
	}
	// Another process finds the certificate in the cache.
	if _, err := healthy(serveTLS(t, o), "tv.example", a.pool()); err != nil {
		t.Error(err)
	}
	if a.orders != 1 {
		t.Errorf("%d orders", a.orders)
	}
}

func TestRenewedCertificateIsUsed(t *testing.T) {
	a := newAuthority(t)
	dir := t.TempDir()
	files := &certificateFiles{cert: filepath.Join(dir, "cert.pem"), key: filepath.Join(dir, "key.pem")}
	renew := func(serial int64) {
		key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		der, err := x509.MarshalECPrivateKey(key)
		if err != nil {
			t.Fatal(err)
		}
		at := time.Now().Add(time.Duration(serial) * time.Minute)
		for name, b := range map[string][]byte{files.cert: a.sign(key.Public(), "tv.example", serial),
			files.key: pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: der})} {
			if err := os.WriteFile(name, b, 0o600); err != nil {
				t.Fatal(err)
			}
			os.Chtimes(name, at, at)
		}
	}
	serial := func() int64 {
		files.looked = time.Time{} // long ago
		pair, err := files.get(nil)
		if err != nil {
			t.Fatal(err)
		}
		leaf, err := x509.ParseCertificate(pair.Certificate[0])
		if err != nil {
			t.Fatal(err)
		}
		return leaf.SerialNumber.Int64()
	}
	renew(5)
	if got := serial(); got != 5 {
		t.Errorf("serial %d", got)
	}
	os.WriteFile(files.cert, []byte("half a certif"), 0o600)
	if got := serial(); got != 5 {
		t.Errorf("while the files do not fit: serial %d", got)
	}
	renew(6)
	if got := serial(); got != 6 {
		t.Errorf("after the renewal: serial %d", got)
	}
	at := serveTLS(t, &tlsOptions{cert: files.cert, key: files.key})
	if got, err := healthy(at, "tv.example", a.pool()); err != nil || got != 6 {
		t.Errorf("served with serial %d, %v", got, err)
	}
}

func TestOpenAdminAddressNeedsAToken(t *testing.T) {
	file := filepath.Join(t.TempDir(), "token")
	short := file + ".short"
	os.WriteFile(file, []byte("a token of some length\n"), 0o600)
	os.WriteFile(short, []byte("short"), 0o600)
	for _, tt := range []struct {
		listen, file string
		ok           bool
	}{
		{"", "", true}, {"127.0.0.1:9090", "", true}, {"[::1]:9090", "", true}, {"localhost:9090", "", true},
		{":9090", "", false}, {"0.0.0.0:9090", "", false}, {"192.0.2.1:9090", "", false}, {"admin.example:9090", "", false},
		{":9090", file, true}, {":9090", short, false}, {":9090", file + ".missing", false},
	} {
		got, err := (&doorOptions{adminToken: tt.file}).admin(tt.listen)
		if (err == nil) != tt.ok {
			t.Errorf("%q with token file %q: %v", tt.listen, tt.file, err)
		}
		if tt.ok && tt.file != "" && got != strings.TrimSpace("a token of some length") {
			t.Errorf("token %q", got)
		}
	}
}
