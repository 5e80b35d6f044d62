package arch

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"
)

const module = "github.com/shoal-p2p/shoal"

// rule says what a part of the house must never import.
type rule struct {
	from   string   // package path inside the module; "/..." for all below it too
	never  []string // import paths and whatever lies below them; "./" stands for the module
	direct bool     // look at the package's own imports only, not at what those pull in
	why    string
}

var (
	webRTC    = "github.com/pion"
	websocket = "github.com/gorilla"
)

// The table of the house style, "Dependency direction", row by row.
var rules = []rule{
	{
		from:  "segments/...",
		never: []string{"./manifest", "./swarm", "./signal", "./player", "./cmd", webRTC, websocket},
		why:   "segments is the ground floor: keys, pieces and the store mean the same to everybody, so they may know nobody",
	},
	{
		from:  "manifest/...",
		never: []string{"./swarm", "./signal", "./player", "./cmd", webRTC, websocket},
		why:   "manifest says what will play and when; who sends it to whom is for others to decide",
	},
	{
		// Not transitively: segments holds the origin fetcher next to the keys
		// that manifest needs.
		from: "manifest/...", direct: true,
		never: []string{"net/http"},
		why:   "manifests come in through an interface, so that every refresh, failure and delay can be played in a test without a network",
	},
	{
		from:  "swarm",
		never: []string{"./manifest", "./signal", "./player", "./cmd", "./swarm", webRTC, websocket},
		why:   "the core is one pure state machine, run alike under pion, in the simulator and, in TypeScript, in browsers",
	},
	{
		// Not transitively: fmt alone pulls in os and sync.
		from: "swarm", direct: true,
		never: []string{"net", "os", "sync", "log", "context", "runtime", "syscall", "crypto/rand"},
		why:   "the core does no input or output and has no goroutine, or the same inputs would not give the same effects",
	},
	{
		from:  "swarm/wire",
		never: []string{"./manifest", "./signal", "./player", "./cmd", "./swarm/node", "./swarm/rtc", "./swarm/sim", webRTC, websocket},
		why:   "the codec turns messages into bytes and back; it must not care what carries them",
	},
	{
		from:  "swarm/sim",
		never: []string{"./manifest", "./signal", "./player", "./cmd", "./swarm/node", "./swarm/rtc", webRTC, websocket},
		why:   "the simulator runs thousands of cores in virtual time; anything with a real network or clock ends that",
	},
	{
		from:  "swarm/sim",
		never: []string{"gonum.org", "image"},
		why:   "whoever runs simulations in a test should not compile a drawing library; swarm/sim/chart draws",
	},
	{
		from:  "swarm/sim/chart",
		never: []string{"./manifest", "./signal", "./player", "./cmd", "./swarm/node", "./swarm/rtc", webRTC, websocket},
		why:   "the picture is made of a report",
	},
	{
		from:  "swarm/node",
		never: []string{"./manifest", "./signal", "./player", "./cmd", "./swarm/rtc", "./swarm/sim", webRTC, websocket},
		why:   "a peer's edge sees other peers through the Network interface, so that tests can give it a fake one",
	},
	{
		from:  "swarm/rtc",
		never: []string{"./manifest", "./player", "./cmd", "./swarm/sim"},
		why:   "the WebRTC driver carries frames; what they hold and who plays them is above it",
	},
	{
		from:  "signal/...",
		never: []string{"./segments", "./manifest", "./swarm", "./player", "./cmd"},
		why:   "signalling introduces peers to each other and must run where there is no media at all",
	},
	{
		from:  "signal",
		never: []string{"github.com/nats-io", "github.com/oschwald", "github.com/golang-jwt", "golang.org/x/crypto"},
		why:   "every peer links this package for its client; what only an operator's server needs lies in folders below it",
	},
	{
		from:   "signal/internal/frame",
		never:  []string{"./signal", "net", "os", "sync", "log", "time", websocket},
		direct: true,
		why:    "a frame may end in the middle of a read; what waits for the rest is not this package's matter",
	},
	{
		from:   "signal/tracker",
		never:  []string{"./signal/cluster", "./signal/ice", "./signal/admin", "github.com/pion"},
		direct: true,
		why:    "the WebTorrent tracker shares the carrying of connections with the signalling server and nothing else",
	},
	{
		from:   "signal/vivaldi",
		never:  []string{"./signal", "net", "os", "sync", "log"},
		direct: true,
		why:    "coordinates are arithmetic, so that a topology can be played through in a test",
	},
	{
		// Not transitively: swarm/rtc uses the client, which shares a package
		// with the server.
		from: "player/...", direct: true,
		never: []string{"./signal"},
		why:   "a player reaches signalling through swarm/rtc and never serves it",
	},
	{
		from:  "player/...",
		never: []string{"./cmd", "./swarm/sim"},
		why:   "cmd is wiring: everything is imported by it, nothing imports it",
	},
	{
		from:  "cmd/shoal/internal/origin",
		never: []string{"./segments", "./manifest", "./swarm", "./signal", "./player"},
		why:   "the demo's origin checks our reading of the standards; code shared with the reader would be wrong on both sides and nobody would notice",
	},
	{
		from: "...",
		never: []string{"github.com/google/go-cmp", "go.uber.org/goleak", "github.com/Eyevinn/hls-m3u8", "testing",
			"github.com/golang/protobuf", "github.com/vmihailenco/msgpack"},
		direct: true,
		why:    "these are for tests only (go-cmp, goleak, the HLS oracle), or do not bound what a peer can make them do (msgpack)",
	},
}

// listed is what "go list -json" says of a package.
type listed struct {
	ImportPath string
	Imports    []string
	Deps       []string // all it depends on, however far
}

// packages of the module, listed once.
var packages = sync.OnceValues(func() ([]listed, error) {
	var stderr bytes.Buffer
	command := exec.Command("go", "list", "-deps", "-json=ImportPath,Imports,Deps", module+"/...")
	command.Stderr = &stderr
	out, err := command.Output()
	if err != nil {
		return nil, fmt.Errorf("go list: %w: %s", err, stderr.Bytes())
	}
	var all []listed
	for decoder := json.NewDecoder(bytes.NewReader(out)); ; {
		var p listed
		err := decoder.Decode(&p)
		if errors.Is(err, io.EOF) {
			return all, nil
		}
		if err != nil {
			return nil, err
		}
		if p.ImportPath == module || strings.HasPrefix(p.ImportPath, module+"/") {
			all = append(all, p)
		}
	}
})

func (r rule) covers(importPath string) bool {
	inside := strings.TrimPrefix(strings.TrimPrefix(importPath, module), "/")
	if prefix, all := strings.CutSuffix(r.from, "..."); all {
		return strings.HasPrefix(inside+"/", prefix)
	}
	return inside == r.from
}

// broken returns which of the imports the rule forbids.
func (r rule) broken(importPath string, imports []string) []string {
	var found []string
	for _, imported := range imports {
		if imported == importPath {
			continue
		}
		for _, never := range r.never {
			if inside, ok := strings.CutPrefix(never, "./"); ok {
				never = module + "/" + inside
			}
			if imported == never || strings.HasPrefix(imported, never+"/") {
				found = append(found, imported)
			}
		}
	}
	return found
}

func TestDependencyDirection(t *testing.T) {
	all, err := packages()
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range rules {
		covered := 0
		for _, p := range all {
			if !r.covers(p.ImportPath) {
				continue
			}
			covered++
			imports := p.Deps
			if r.direct {
				imports = p.Imports
			}
			for _, bad := range r.broken(p.ImportPath, imports) {
				t.Errorf("%s imports %s%s\n\twhy it must not: %s", p.ImportPath, bad, chain(all, p, bad), r.why)
			}
		}
		if covered == 0 {
			t.Errorf("a rule for %s covers no package; did the room move?", r.from)
		}
	}
}

// chain names the import of p through which bad comes in, where it is not direct.
func chain(all []listed, p listed, bad string) string {
	if slices.Contains(p.Imports, bad) {
		return ""
	}
	for _, q := range all {
		if slices.Contains(p.Imports, q.ImportPath) && slices.Contains(q.Deps, bad) {
			return " through " + q.ImportPath
		}
	}
	return " through a dependency"
}

// TestRulesBite breaks rules on purpose, since a rule that cannot fail is none.
func TestRulesBite(t *testing.T) {
	for _, tt := range []struct {
		from, imported string
		want           bool
	}{
		{"segments", module + "/swarm/wire", true},
		{"segments", module + "/swarmed", false},
		{"segments", webRTC + "/webrtc/v4", true},
		{"swarm", module + "/swarm/node", true},
		{"swarm", module + "/segments", false},
		{"swarm", "net/netip", true},
		{"swarm", "os", true},
		{"swarm", "slices", false},
		{"manifest/dash", "net/http", true},
		{"manifest/dash", "net/url", false},
		{"player", module + "/signal", true},
		{"player/web", module + "/cmd/shoal", true},
		{"swarm/sim", module + "/swarm", false},
	} {
		var broken []string
		for _, r := range rules {
			if r.covers(module + "/" + tt.from) {
				broken = append(broken, r.broken(module+"/"+tt.from, []string{tt.imported})...)
			}
		}
		if got := len(broken) > 0; got != tt.want {
			t.Errorf("%s importing %s is refused: %v, want %v", tt.from, tt.imported, got, tt.want)
		}
	}
}
