package main

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/crypto/acme"
	"golang.org/x/crypto/acme/autocert"
)

// tlsOptions say where the certificate comes from.
type tlsOptions struct {
	cert, key                        string
	acme                             []string
	acmeCache, acmeEmail, acmeServer string
	acmeClient                       *http.Client // nil: the default; tests have a CA of their own
}

func (o *tlsOptions) flags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringVar(&o.cert, "tls-cert", "", "certificate file (PEM), read again when it changes; browsers need TLS on anything but localhost")
	f.StringVar(&o.key, "tls-key", "", "private key file (PEM) of --tls-cert")
	f.StringSliceVar(&o.acme, "acme", nil, "host name to get a certificate for by ACME; may be repeated. --listen must be reachable as its port 443. Accepts the terms of the certificate authority")
	f.StringVar(&o.acmeCache, "acme-cache", "", "folder that keeps ACME keys and certificates (default: shoal/acme in the user's cache folder)")
	f.StringVar(&o.acmeEmail, "acme-email", "", "contact for the certificate authority")
	f.StringVar(&o.acmeServer, "acme-directory", acme.LetsEncryptURL, "directory URL of the certificate authority")
	cmd.MarkFlagDirname("acme-cache")
}

// config is nil without TLS.
func (o *tlsOptions) config() (*tls.Config, error) {
	switch {
	case len(o.acme) > 0 && (o.cert != "" || o.key != ""):
		return nil, usagef("--acme and --tls-cert are two ways to one thing")
	case len(o.acme) > 0:
		return o.automatic()
	case o.cert == "" && o.key == "":
		return nil, nil
	case o.cert == "" || o.key == "":
		return nil, usagef("--tls-cert and --tls-key belong together")
	}
	files := &certificateFiles{cert: o.cert, key: o.key}
	if err := files.read(); err != nil {
		return nil, fmt.Errorf("TLS certificate: %w", err)
	}
	return &tls.Config{GetCertificate: files.get, MinVersion: tls.VersionTLS12}, nil
}

// automatic answers the authority's challenge in the TLS handshake itself
// (tls-alpn-01, RFC 8737), so no other port is needed.
func (o *tlsOptions) automatic() (*tls.Config, error) {
	cache := o.acmeCache
	if cache == "" {
		base, err := os.UserCacheDir()
		if err != nil {
			return nil, fmt.Errorf("no folder for ACME certificates: %w (choose one with --acme-cache)", err)
		}
		cache = filepath.Join(base, "shoal", "acme")
	}
	m := &autocert.Manager{
		Prompt:     autocert.AcceptTOS,
		Cache:      autocert.DirCache(cache),
		HostPolicy: autocert.HostWhitelist(o.acme...),
		Email:      o.acmeEmail,
		Client:     &acme.Client{DirectoryURL: o.acmeServer, HTTPClient: o.acmeClient, UserAgent: "shoal"},
	}
	cfg := m.TLSConfig()
	cfg.MinVersion = tls.VersionTLS12
	return cfg, nil
}

// certificateFiles is a certificate that somebody else renews.
type certificateFiles struct {
	cert, key string

	mu      sync.Mutex
	pair    *tls.Certificate
	changed time.Time
	looked  time.Time
}

// certificateLook is how long a renewed certificate may go unnoticed.
const certificateLook = 10 * time.Second

func (c *certificateFiles) get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if time.Since(c.looked) >= certificateLook {
		if err := c.read(); err != nil && c.pair == nil {
			return nil, err
		}
	}
	return c.pair, nil
}

// read takes the files in if they changed. While the two do not fit each other, the
// pair before stays.
func (c *certificateFiles) read() error {
	c.looked = time.Now()
	newest := time.Time{}
	for _, name := range []string{c.cert, c.key} {
		info, err := os.Stat(name)
		if err != nil {
			return err
		}
		if info.ModTime().After(newest) {
			newest = info.ModTime()
		}
	}
	if c.pair != nil && newest.Equal(c.changed) {
		return nil
	}
	pair, err := tls.LoadX509KeyPair(c.cert, c.key)
	if err != nil {
		return errors.Join(errors.New("certificate and key"), err)
	}
	c.pair, c.changed = &pair, newest
	return nil
}
