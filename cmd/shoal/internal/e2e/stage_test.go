package e2e

import (
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/shoal-p2p/shoal/cmd/shoal/internal/origin"
)

// stage is the demo's origin, served by the test itself, so that it can count
// what leaves and go wrong on demand.
type stage struct {
	*origin.Origin
	server *httptest.Server
}

func newStage(t *testing.T, cfg origin.Config) *stage {
	t.Helper()
	o, err := origin.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	s := &stage{Origin: o, server: httptest.NewServer(o)}
	t.Cleanup(s.server.Close)
	return s
}

func (s *stage) url(path string) string { return s.server.URL + path }

// host is the origin as --allow names it.
func (s *stage) host() string { return strings.TrimPrefix(s.server.URL, "http://") }

// through is the address of a path of the origin behind a gateway.
func (s *stage) through(gateway, path string) string { return gateway + "/http/" + s.host() + path }

// proxy runs shoal proxy for this origin and returns the address for players.
func (s *stage) proxy(t *testing.T, args ...string) (*process, string) {
	t.Helper()
	p := start(t, append([]string{"proxy", "--listen", "127.0.0.1:0", "--allow", s.host(), "--metrics", "127.0.0.1:0"}, args...)...)
	return p, p.says(t, `as (http://[^/]+)/`)
}
