package main

import (
	"bytes"
	"fmt"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"net/netip"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/shoal-p2p/shoal/player/web"
	"github.com/shoal-p2p/shoal/signal"
	"github.com/shoal-p2p/shoal/signal/admin"
	"github.com/shoal-p2p/shoal/signal/token"
)

// doorOptions say who may come in, how often, and who may look.
type doorOptions struct {
	origins, proxies, limits, names []string
	perAddress                      int
	tokens, audit, adminToken       string
}

func (o *doorOptions) flags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringSliceVar(&o.origins, "allow-origin", nil, "web origin whose pages may connect, https://tv.example or https://*.example.com; may be repeated (default: all)")
	f.StringVar(&o.tokens, "tokens", "", "file of keys; members must show a join token signed with one (see 'shoal token --help')")
	f.StringSliceVar(&o.proxies, "trusted-proxy", nil, "network of proxies whose X-Forwarded-For is believed, for example 10.0.0.0/8; may be repeated")
	f.IntVar(&o.perAddress, "connections-per-address", 0, "websockets one client address may open (0: 1024, -1: no limit)")
	f.StringSliceVar(&o.limits, "limit", nil, "a limit, NAME=N, -1 for none; may be repeated: "+strings.Join(limitNames(), ", "))
	f.StringSliceVar(&o.names, "name", nil, "swarm that the admin pages show by its name; may be repeated")
	f.StringVar(&o.audit, "audit", "", "append a JSON line for every join, leave and refusal, with addresses, to this file, - for standard output")
	f.StringVar(&o.adminToken, "admin-token-file", "", "file with the token that opens --metrics; required on any but a loopback address")
}

// limitFields are the limits by their flag's names.
func limitFields(l *signal.Limits) map[string]*int {
	return map[string]*int{
		"message-bytes":               &l.MessageBytes,
		"messages-per-second":         &l.MessagesPerSecond,
		"message-burst":               &l.MessageBurst,
		"bytes-per-second":            &l.BytesPerSecond,
		"byte-burst":                  &l.ByteBurst,
		"joins-per-second":            &l.JoinsPerSecond,
		"join-burst":                  &l.JoinBurst,
		"address-messages-per-second": &l.MessagesPerSecondPerAddress,
		"address-message-burst":       &l.MessageBurstPerAddress,
		"address-bytes-per-second":    &l.BytesPerSecondPerAddress,
		"address-byte-burst":          &l.ByteBurstPerAddress,
		"address-joins-per-second":    &l.JoinsPerSecondPerAddress,
		"address-join-burst":          &l.JoinBurstPerAddress,
		"members-per-swarm":           &l.MembersPerSwarm,
		"swarms":                      &l.Swarms,
		"connections":                 &l.Connections,
		"queue-messages":              &l.QueueMessages,
		"queue-bytes":                 &l.QueueBytes,
		"peers-on-join":               &l.PeersOnJoin,
		"peers-per-message":           &l.PeersPerMessage,
	}
}

func limitNames() []string { return slices.Sorted(maps.Keys(limitFields(new(signal.Limits)))) }

// apply puts the options into cfg. Close what it returns after the server.
func (o *doorOptions) apply(cfg *signal.Config) (closer func() error, err error) {
	closer = func() error { return nil }
	cfg.AllowedOrigins, cfg.Names = o.origins, o.names
	fields := limitFields(&cfg.Limits)
	for _, text := range o.limits {
		name, value, _ := strings.Cut(text, "=")
		n, err := strconv.Atoi(value)
		if field := fields[name]; field == nil || err != nil {
			return closer, usagef("--limit %q: want NAME=N with one of the names %s", text, strings.Join(limitNames(), ", "))
		}
		*fields[name] = n
	}
	cfg.Limits.ConnectionsPerAddress = o.perAddress
	if len(o.proxies) > 0 {
		var trusted []netip.Prefix
		for _, text := range o.proxies {
			p, err := parsePrefix(text)
			if err != nil {
				return closer, usagef("--trusted-proxy %q: %w", text, err)
			}
			trusted = append(trusted, p)
		}
		cfg.Address = signal.BehindProxies(trusted)
	}
	if o.tokens != "" {
		keys, err := token.Load(o.tokens)
		if err != nil {
			return closer, fmt.Errorf("--tokens: %w", err)
		}
		cfg.Admit = keys.Admit
	}
	switch o.audit {
	case "":
	case "-":
		log := newAuditFile(os.Stdout)
		cfg.Audit, closer = slog.New(slog.NewJSONHandler(log, nil)), log.Close
	default:
		file, err := os.OpenFile(o.audit, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
		if err != nil {
			return closer, fmt.Errorf("--audit: %w", err)
		}
		log := newAuditFile(file)
		cfg.Audit, closer = slog.New(slog.NewJSONHandler(log, nil)), log.Close
	}
	return closer, nil
}

// admin reads the admin token and refuses an open address without one.
func (o *doorOptions) admin(listen string) (token string, err error) {
	if o.adminToken != "" {
		b, err := os.ReadFile(o.adminToken)
		if err != nil {
			return "", fmt.Errorf("--admin-token-file: %w", err)
		}
		token = string(bytes.TrimSpace(b))
		if len(token) < 16 {
			return "", usagef("--admin-token-file: a token of %d characters, want 16 or more", len(token))
		}
		return token, nil
	}
	if listen == "" {
		return "", nil
	}
	host, _, err := net.SplitHostPort(listen)
	if a, bad := netip.ParseAddr(host); err == nil && host != "localhost" && (bad != nil || !a.IsLoopback()) {
		return "", usagef("--metrics %s can be reached by others: it needs --admin-token-file", listen)
	}
	return "", nil
}

// mapFiles are what the map of a swarm is made of.
var mapFiles = []string{"/map.html", "/map.css", "/map.js", "/layout.worker.js"}

// operatorsView is the admin address: metrics, profiles, swarms and their map.
func operatorsView(metrics http.Handler, s *signal.Server, token string) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("/", metrics)
	view := admin.Handler(s)
	mux.Handle("/readyz", view)
	mux.Handle("/api/", view)
	mux.Handle("/{$}", http.RedirectHandler("/map.html", http.StatusFound))
	for _, file := range mapFiles {
		mux.Handle(file, web.Handler())
	}
	return admin.Guard(token, mux, func(r *http.Request) {
		at, _ := netip.ParseAddrPort(r.RemoteAddr)
		s.Audit(signal.AuditAdmin, at.Addr().Unmap(), "no token, or a wrong one, for "+r.URL.Path)
	})
}
