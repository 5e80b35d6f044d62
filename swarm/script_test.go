package swarm

import (
	"encoding/hex"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "rewrite the recorded effects in testdata/core")

// TestScripts replays stories: lines "TIME INPUT ARGS", each followed by the
// effects it has, indented. "config" comes first; "next" shows when the brain
// wants a tick; "# " starts a comment.
func TestScripts(t *testing.T) {
	files, err := filepath.Glob("testdata/core/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no scripts: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			got := replay(t, string(want), nil)
			if *update {
				if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			if d := cmp.Diff(string(want), got); d != "" {
				t.Errorf("effects differ (-recorded +now), -update rewrites:\n%s", d)
			}
		})
	}
}

// replay runs a script and returns it with the effects as they are now. It tells
// watch, when there is one, of every configuration and input.
func replay(t *testing.T, script string, watch *watcher) string {
	var out strings.Builder
	var core *Core
	for i, line := range strings.Split(strings.TrimSuffix(script, "\n"), "\n") {
		switch {
		case strings.HasPrefix(line, "  "):
			continue // recorded effect
		case line == "" || strings.HasPrefix(line, "#"):
			fmt.Fprintln(&out, line)
			continue
		}
		fmt.Fprintln(&out, line)
		fields := strings.Fields(line)
		if fields[0] == "config" {
			if core != nil {
				t.Fatalf("line %d: a second config: a script tells of one brain", i+1)
			}
			var err error
			if core, err = New(scriptConfig(args(fields[1:]))); err != nil {
				t.Fatalf("line %d: %v", i+1, err)
			}
			watch.begin(core)
			continue
		}
		at, err := time.ParseDuration(fields[0])
		if err != nil || len(fields) < 2 {
			t.Fatalf("line %d: want TIME INPUT …: %q", i+1, line)
		}
		if fields[1] == "next" {
			if at, why, ok := core.Next(); ok {
				fmt.Fprintf(&out, "  %s at %s\n", why, at)
			} else {
				fmt.Fprintln(&out, "  nothing")
			}
			continue
		}
		in, err := scriptInput(fields[1], args(fields[2:]))
		if err != nil {
			t.Fatalf("line %d: %v", i+1, err)
		}
		if end, ok := in.(FetchEnded); ok && core.items[end.Fetch.Key] != nil {
			end.Fetch = core.items[end.Fetch.Key].fetch
			in = end
		}
		core.Handle(at, in)
		effects := core.Drain()
		watch.step(at, in, effects)
		for _, e := range effects {
			fmt.Fprintln(&out, "  "+describe(e))
		}
	}
	return out.String()
}

// arguments are positional words and name=value pairs.
type arguments struct {
	words []string
	named map[string]string
}

func args(fields []string) arguments {
	a := arguments{named: map[string]string{}}
	for _, f := range fields {
		if name, value, ok := strings.Cut(f, "="); ok {
			a.named[name] = value
		} else {
			a.words = append(a.words, f)
		}
	}
	return a
}

func (a arguments) has(word string) bool {
	for _, w := range a.words {
		if w == word {
			return true
		}
	}
	return false
}

func (a arguments) word(i int) string {
	if i < len(a.words) {
		return a.words[i]
	}
	return ""
}

func (a arguments) number(name string, otherwise int) int {
	if v, ok := a.named[name]; ok {
		n, err := strconv.Atoi(v)
		if err != nil {
			panic(err)
		}
		return n
	}
	return otherwise
}

func (a arguments) hex(name string) []byte {
	b, err := hex.DecodeString(a.named[name])
	if err != nil {
		panic(err)
	}
	if len(b) == 0 {
		return nil
	}
	return b
}

func (a arguments) duration(name string) time.Duration {
	if v, ok := a.named[name]; ok {
		d, err := time.ParseDuration(v)
		if err != nil {
			panic(err)
		}
		return d
	}
	return 0
}

func (a arguments) keys() []Key {
	var ks []Key
	for _, w := range a.words {
		if strings.Contains(w, "/") {
			ks = append(ks, Key(w))
		}
	}
	return ks
}

func scriptConfig(a arguments) Config {
	return Config{ID: PeerID(a.named["id"]), RandomSeed: 1, Seed: a.has("seed"), Signed: a.has("signed"), Metered: a.has("metered"),
		MinPeers: a.number("min", 0), MaxPeers: a.number("max", 0), Window: a.number("window", 0),
		UploadMax: int64(a.number("upload", 0)), DisconnectWebsocketOnMax: a.has("closews"),
		SampleRate: float64(a.number("sample", 0))}
}

func scriptInput(name string, a arguments) (Input, error) {
	peer := PeerID(a.named["from"])
	key := Key("")
	if ks := a.keys(); len(ks) > 0 {
		key = ks[0]
	}
	from := func(m Message) (Input, error) { return Received{From: peer, Message: m}, nil }
	switch name {
	case "want":
		return Want{Key: key, Available: a.duration("available"), Whole: a.duration("whole"), Deadline: a.duration("deadline"), OriginBy: a.duration("originby"),
			Duration: a.duration("duration"), Size: int64(a.number("size", -1)), Urgent: a.has("urgent"), Asked: a.has("asked"), Fetchable: !a.has("nourl")}, nil
	case "unwant":
		return Unwant{Keys: a.keys()}, nil
	case "linkup":
		return LinkUp{Peer: PeerID(a.word(0)), RTT: a.duration("rtt")}, nil
	case "linkdown":
		return LinkDown{Peer: PeerID(a.word(0))}, nil
	case "gained":
		return Gained{Key: key, From: peer, First: a.number("first", 0), Count: a.number("count", 1), Size: int64(a.number("size", -1))}, nil
	case "flowing":
		return Flowing{Key: key, From: peer}, nil
	case "bad":
		return BadPiece{Key: key, From: peer}, nil
	case "conflict":
		return Conflict{Key: key, From: peer}, nil
	case "sent":
		return Sent{To: PeerID(a.word(0)), Count: a.number("count", 1)}, nil
	case "private":
		return Private{Key: key}, nil
	case "fetched":
		e := NoError
		for i, w := range []string{"temporary", "final", "private", "cancelled"} {
			if a.has(w) {
				e = FetchError(i + 1)
			}
		}
		return FetchEnded{Fetch: Fetch{Key: key}, Bytes: int64(a.number("bytes", 0)), Err: e, RetryAfter: a.duration("retry")}, nil
	case "held":
		return Held{Key: key, Size: int64(a.number("size", -1))}, nil
	case "evicted":
		return Evicted{Key: key}, nil
	case "swarm":
		return SwarmState{Size: a.number("size", 0), Connected: !a.has("offline")}, nil
	case "introduced":
		var ids []PeerID
		for _, w := range a.words {
			ids = append(ids, PeerID(w))
		}
		return Introduced{Peers: ids}, nil
	case "condition":
		return Condition{Metered: a.has("metered"), UploadMax: int64(a.number("upload", 0))}, nil
	case "trust":
		return Trust{Signed: a.has("signed")}, nil
	case "measured":
		return Measured{Peer: PeerID(a.word(0)), RTT: a.duration("rtt")}, nil
	case "tick":
		return Tick{}, nil
	case "needsignal":
		return NeedSignal{}, nil
	case "forwardout":
		return ForwardOut{To: PeerID(a.word(0)), Payload: []byte("x")}, nil
	case "hello":
		return from(Hello{Version: a.number("version", Version), Seed: a.has("seed"), Metered: a.has("metered"), Uplink: int64(a.number("uplink", 0)), MaxPeers: 10})
	case "reserve":
		m := Reserve{}
		for _, k := range a.keys() {
			m.Items = append(m.Items, Reservation{Key: k, Hops: a.number("hops", 0), Due: a.duration("due")})
		}
		return from(m)
	case "release":
		return from(Release{Keys: a.keys()})
	case "have":
		return from(Have{Gained: []Run{{Key: key, Count: a.number("count", 1)}}})
	case "lost":
		return from(Have{Lost: []Run{{Key: key, Count: a.number("count", 1)}}})
	case "offer":
		return from(Offer{Key: key, Size: int64(a.number("size", -1)), Hops: a.number("hops", 0), Pieces: a.number("pieces", 0), More: a.hex("more"), Seeded: a.has("seeded")})
	case "accept":
		return from(Accept{Key: key, First: a.number("first", 0), Count: a.number("count", -1), Due: a.duration("due"), Only: a.hex("only")})
	case "refuse":
		return from(Refuse{Key: key, Reason: Refusal(a.number("reason", 1))})
	case "begin":
		return from(Begin{Transfer: 1, Key: key, Size: int64(a.number("size", -1)), Hops: a.number("hops", 0), Count: -1, Slices: a.number("slices", 0)})
	case "cancel":
		return from(Cancel{Key: key})
	case "subscribe":
		return from(Subscribe{Track: a.named["track"], Hops: a.number("hops", 1), Slices: a.number("slices", allSlices)})
	case "unsubscribe":
		return from(Unsubscribe{Track: a.named["track"]})
	case "peers":
		m := Peers{}
		for _, w := range a.words {
			m.IDs = append(m.IDs, PeerID(w))
		}
		return from(m)
	case "forward":
		return from(Forward{From: PeerID(a.word(0)), To: PeerID(a.word(1)), Payload: []byte("x")})
	case "bye":
		return from(Bye{})
	}
	return nil, fmt.Errorf("unknown input %q", name)
}

func describe(e Effect) string {
	if s, ok := e.(Send); ok {
		return fmt.Sprintf("→ %s %s%+v", s.To, strings.TrimPrefix(fmt.Sprintf("%T", s.Message), "swarm."), s.Message)
	}
	return fmt.Sprintf("%s%+v", strings.TrimPrefix(fmt.Sprintf("%T", e), "swarm."), e)
}
