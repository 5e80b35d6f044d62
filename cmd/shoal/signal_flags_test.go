package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/spf13/cobra"

	"github.com/shoal-p2p/shoal/signal"
	"github.com/shoal-p2p/shoal/signal/token"
)

func TestTokenCommandMintsWhatAServerTakes(t *testing.T) {
	dir := t.TempDir()
	key, secret, keys := filepath.Join(dir, "token.key"), filepath.Join(dir, "secret"), filepath.Join(dir, "tokens.keys")
	public := strings.TrimSpace(shoal(t, nil, "keygen", "--out", key).stdout.String())
	const shared = "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="
	os.WriteFile(secret, []byte(shared+"\n"), 0o600)
	os.WriteFile(keys, []byte("new EdDSA "+public+"\nweb HS256 "+shared+"\n"), 0o600)
	k, err := token.Load(keys)
	if err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{{"--key", key, "--kid", "new"}, {"--secret-file", secret, "--kid", "web"}} {
		o := shoal(t, nil, append([]string{"token", "--swarm", "the match", "--valid", "2m"}, args...)...)
		minted := strings.TrimSpace(o.stdout.String())
		if _, err := k.Verify(minted, signal.Blind("the match"), signal.MemberID{}, time.Now()); err != nil {
			t.Errorf("%v: %v (%s)", args, err, o.stderr.String())
		}
		if _, err := k.Verify(minted, "the match", signal.MemberID{}, time.Now().Add(3*time.Minute)); err == nil {
			t.Errorf("%v: admits after it expired", args)
		}
	}
	for _, args := range [][]string{
		{"--swarm", "s", "--kid", "k"}, {"--key", key, "--secret-file", secret, "--swarm", "s", "--kid", "k"},
		{"--key", key, "--kid", "k"}, {"--key", key, "--swarm", "s"}, {"--key", key, "--swarm", "s", "--kid", "k", "--valid", "-1s"},
	} {
		if o := shoal(t, nil, append([]string{"token"}, args...)...); o.code != 2 {
			t.Errorf("token %v ended with %d", args, o.code)
		}
	}
}

// signalConfig is what flags of shoal signal make.
func signalConfig(t *testing.T, args ...string) (signal.Config, error) {
	t.Helper()
	var p pairingOptions
	var d doorOptions
	cmd := &cobra.Command{}
	p.flags(cmd)
	d.flags(cmd)
	if err := cmd.ParseFlags(args); err != nil {
		t.Fatal(err)
	}
	var cfg signal.Config
	closePairing, err := p.apply(&cfg, false)
	t.Cleanup(func() { closePairing() })
	if err != nil {
		return cfg, err
	}
	closeDoors, err := d.apply(&cfg)
	t.Cleanup(func() { closeDoors() })
	if err != nil {
		return cfg, err
	}
	return cfg, cfg.Validate()
}

func TestSignalFlagsMakeAConfig(t *testing.T) {
	audit := filepath.Join(t.TempDir(), "audit.log")
	cfg, err := signalConfig(t, "--pairing", "nearest", "--group", "vienna=203.0.113.0/24+10.1.0.7", "--group-members", "50",
		"--trusted-proxy", "10.0.0.0/8", "--limit", "messages-per-second=7,swarms=-1", "--connections-per-address", "3",
		"--paired-only", "--audit", audit, "--name", "the match")
	if err != nil {
		t.Fatal(err)
	}
	g := cfg.Rules.Groups
	if cfg.Pairing == nil || len(g) != 1 || g[0].Name != "vienna" || len(g[0].Prefixes) != 2 || cfg.Rules.GroupMembers != 50 ||
		cfg.Address == nil || cfg.Limits.MessagesPerSecond != 7 || cfg.Limits.Swarms != -1 || cfg.Limits.ConnectionsPerAddress != 3 ||
		!cfg.PairedOnly || cfg.Audit == nil || cfg.ReportInterval != reportInterval {
		t.Errorf("config %+v", cfg)
	}
	if info, err := os.Stat(audit); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("audit log: %v, %v", info, err)
	}
	if quiet, err := signalConfig(t); err != nil || quiet.ReportInterval != 0 {
		t.Errorf("reports are asked for although nobody reads them: %v, %v", quiet.ReportInterval, err)
	}
}

func TestSignalFlagsThatMakeNoSense(t *testing.T) {
	for _, args := range [][]string{
		{"--pairing", "farthest"}, {"--group", "vienna"}, {"--group", "vienna=somewhere"}, {"--group-members", "1"},
		{"--fence", "country"}, {"--fence", "planet"}, {"--trusted-proxy", "proxy"}, {"--limit", "patience=3"},
		{"--limit", "swarms=many"}, {"--tokens", "missing"}, {"--geoip", "missing.mmdb"}, {"--allow-origin", "tv.example"},
	} {
		if _, err := signalConfig(t, args...); err == nil {
			t.Errorf("%v: accepted", args)
		}
	}
}
