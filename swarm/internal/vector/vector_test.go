package vector

import (
	"strings"
	"testing"
	"time"
)

type cause int

func (cause) String() string { return "elected" }

type inner interface{ inner() }

type Hello struct{ MaxPeers int }

func (Hello) inner() {}

type Send struct {
	To      string
	Message inner
	Payload []byte
	Due     time.Duration
	Cause   cause
	IDs     []string
	Log     func()
}

func TestMarshal(t *testing.T) {
	got, err := Story{Name: "n", About: "a\nb", Config: Hello{3}, Steps: []Step{
		{At: 1500*time.Millisecond + 1, Input: Hello{1}, Next: &Next{2 * time.Second, "stall"}, Random: []float64{0.25}},
		{Input: Hello{}, Effects: []any{Send{To: "b", Message: Hello{2}, Payload: []byte{1, 255}, Due: -time.Microsecond, IDs: []string{"x"}}}},
	}}.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	want := `{"name": "n",
"about": "a\nb",
"config": {"max_peers":3},
"steps": [
{"at":1500.000001,"input":{"type":"hello","max_peers":1},"effects":[],"next":{"at":2000,"why":"stall"},"random":[0.25]},
{"at":0,"input":{"type":"hello","max_peers":0},"effects":[{"type":"send","to":"b","message":{"type":"hello","max_peers":2},"payload":"01ff","due":-0.001,"cause":"elected","ids":["x"]}],"next":null}
]}
`
	if string(got) != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestUnknownKinds(t *testing.T) {
	type bad struct{ C chan int }
	_, err := Story{Name: "n", Config: bad{}}.Marshal()
	if err == nil || !strings.Contains(err.Error(), "C: no form for chan int") {
		t.Errorf("%v", err)
	}
}

func TestSnake(t *testing.T) {
	for name, want := range map[string]string{"ID": "id", "IDs": "ids", "RTT": "rtt", "MaxPeers": "max_peers",
		"LinkUp": "link_up", "OriginBy": "origin_by", "DisconnectWebsocketOnMax": "disconnect_websocket_on_max", "PeerIDs": "peer_ids", "RTTMin": "rtt_min"} {
		if got := Snake(name); got != want {
			t.Errorf("%s: %s, want %s", name, got, want)
		}
	}
}
