package wire

import (
	"encoding/hex"
	"encoding/json"
	"flag"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/shoal-p2p/shoal/segments"
	"github.com/shoal-p2p/shoal/swarm"
)

var update = flag.Bool("update", false, "rewrite testdata/vectors.json")

// vector is one message with its bytes, for other implementations to replay.
// Durations are in milliseconds, leaves, signatures and payloads in hexadecimal;
// a field that is absent or null is not there.
type vector struct {
	Name    string         `json:"name"`
	Channel string         `json:"channel"`
	Type    string         `json:"type"`
	Message map[string]any `json:"message"`
	Bytes   string         `json:"bytes"`
}

type object = map[string]any

// describe gives a message the field names of PROTOCOL.md.
func describe(v any) (kind string, fields object) {
	switch m := v.(type) {
	case swarm.Hello:
		return "hello", object{"version": m.Version, "seed": m.Seed, "metered": m.Metered, "uplink": m.Uplink, "max_peers": m.MaxPeers}
	case swarm.Reserve:
		items := []object{}
		for _, r := range m.Items {
			items = append(items, object{"key": r.Key, "hops": r.Hops, "due": r.Due.Milliseconds()})
		}
		return "reserve", object{"items": items}
	case swarm.Release:
		return "release", object{"keys": m.Keys}
	case swarm.Have:
		return "have", object{"gained": describeRuns(m.Gained), "lost": describeRuns(m.Lost)}
	case swarm.Offer:
		return "offer", object{"key": m.Key, "size": m.Size, "hops": m.Hops, "pieces": m.Pieces, "more": hex.EncodeToString(m.More), "seeded": m.Seeded}
	case swarm.Accept:
		return "accept", object{"key": m.Key, "first": m.First, "count": m.Count, "due": m.Due.Milliseconds(), "only": hex.EncodeToString(m.Only)}
	case swarm.Refuse:
		return "refuse", object{"key": m.Key, "reason": int(m.Reason)}
	case swarm.Cancel:
		return "cancel", object{"key": m.Key}
	case swarm.Subscribe:
		return "subscribe", object{"track": m.Track, "hops": m.Hops, "slices": m.Slices}
	case swarm.Unsubscribe:
		return "unsubscribe", object{"track": m.Track}
	case swarm.Peers:
		return "peers", object{"ids": m.IDs}
	case swarm.Forward:
		return "forward", object{"from": m.From, "to": m.To, "payload": hex.EncodeToString(m.Payload)}
	case swarm.Bye:
		return "bye", object{"reason": m.Reason}
	case Piece:
		return "piece", object{"transfer": m.Transfer, "index": m.Index, "compressed": m.Compressed, "continues": m.Continues, "payload": hex.EncodeToString(m.Payload)}
	case Tail:
		var signature any
		if m.Signature != nil {
			signature = hex.EncodeToString(m.Signature[:])
		}
		return "tail", object{"transfer": m.Transfer, "index": m.Index, "offset": m.Offset, "signature": signature, "payload": hex.EncodeToString(m.Payload)}
	case Begin:
		return "begin", object{"transfer": m.Transfer, "key": m.Key, "size": m.Size, "hops": m.Hops, "first": m.First, "count": m.Count,
			"slices": m.Slices, "content_type": m.ContentType, "etag": m.ETag, "last_modified": m.LastModified,
			"first_leaf": m.FirstLeaf, "leaves": describeLeaves(m.Leaves), "statement": describeStatement(m.Statement)}
	case Leaves:
		return "leaves", object{"transfer": m.Transfer, "first": m.First, "size": m.Size,
			"leaves": describeLeaves(m.Leaves), "statement": describeStatement(m.Statement)}
	}
	return "", nil
}

func describeRuns(runs []swarm.Run) []object {
	out := []object{}
	for _, r := range runs {
		out = append(out, object{"key": r.Key, "count": r.Count})
	}
	return out
}

func describeLeaves(leaves []segments.Leaf) []string {
	out := []string{}
	for _, l := range leaves {
		out = append(out, hex.EncodeToString(l[:]))
	}
	return out
}

func describeStatement(st *segments.Statement) any {
	if st == nil {
		return nil
	}
	return object{"size": st.Size, "count": st.Count, "signature": hex.EncodeToString(st.Signature[:])}
}

// samples are the messages of the vectors, which are also the seeds of the fuzz
// targets.
var samples = []struct {
	name string
	m    any
}{
	{"hello of a seed", swarm.Hello{Version: 1, Seed: true, Uplink: 100_000_000, MaxPeers: 10}},
	{"hello of a phone", swarm.Hello{Version: 1, Metered: true, MaxPeers: 4}},
	{"hello at its limits", swarm.Hello{Version: MaxVersion, Seed: true, Metered: true, Uplink: MaxUplink, MaxPeers: MaxPeerLimit}},
	{"reserve what comes", swarm.Reserve{Items: []swarm.Reservation{
		{Key: "0/video-1/1234", Hops: 1, Due: 6 * time.Second},
		{Key: "0/audio-en/1234", Due: 6*time.Second + 80*time.Millisecond},
		{Key: "720p/88.2", Due: MaxDue}}}},
	{"reserve 20 keys", swarm.Reserve{Items: many(20, swarm.Reservation{Key: "v/1", Due: 300 * time.Millisecond})}},
	{"release", swarm.Release{Keys: []swarm.Key{"0/video-1/1234", "0/video-1/init"}}},
	{"have", swarm.Have{Gained: []swarm.Run{{Key: "0/video-1/100", Count: 300}, {Key: "0/video-1/init", Count: 1}},
		Lost: []swarm.Run{{Key: "0/video-1/t900000", Count: 1}}}},
	{"have nothing", swarm.Have{}},
	{"offer", swarm.Offer{Key: "0/video-1/1234", Size: 1_250_000, Hops: 2, Pieces: 77}},
	{"offer of some pieces", swarm.Offer{Key: "0/video-1/1234", Size: 1_250_000, Hops: 2, Pieces: 3, More: []byte{0xa2, 0, 0x01}, Seeded: true}},
	{"promise", swarm.Offer{Key: "0/video-1/1234", Size: -1}},
	{"offer of a growing segment", swarm.Offer{Key: "720p/88.2", Size: -1, Pieces: 1}},
	{"accept all", swarm.Accept{Key: "0/video-1/1234", Count: -1, Due: 1500 * time.Millisecond}},
	{"accept some", swarm.Accept{Key: "0/video-1/1234", First: 40, Count: 37}},
	{"accept some of a range", swarm.Accept{Key: "0/video-1/1234", First: 40, Count: 12, Due: time.Second, Only: []byte{0x41, 0x08}}},
	{"accept no more", swarm.Accept{Key: "0/video-1/1234"}},
	{"refuse locked", swarm.Refuse{Key: "0/video-1/1234", Reason: swarm.RefusedLocked}},
	{"refuse loop", swarm.Refuse{Key: "0/video-1/1234", Reason: swarm.RefusedLoop}},
	{"cancel", swarm.Cancel{Key: "0/video-1/1234"}},
	{"subscribe", swarm.Subscribe{Track: "0/video-1", Hops: 3, Slices: 255}},
	{"subscribe to two slices", swarm.Subscribe{Track: "0/video-1", Hops: 1, Slices: 0x21}},
	{"unsubscribe", swarm.Unsubscribe{Track: "0/video-1"}},
	{"peers", swarm.Peers{IDs: []swarm.PeerID{"0123456789abcdef", "fedcba9876543210"}}},
	{"forward", swarm.Forward{From: "0123456789abcdef", To: "fedcba9876543210", Payload: []byte{0x86, 0, 0xff}}},
	{"bye", swarm.Bye{Reason: "bad piece"}},
	{"bye in another script", swarm.Bye{Reason: "さようなら"}},
	{"piece", Piece{Transfer: 7, Index: 3, Payload: []byte("piece")}},
	{"compressed piece", Piece{Transfer: math.MaxUint32, Index: segments.MaxPieces - 1, Compressed: true, Payload: []byte{3, 0}}},
	{"begin", Begin{Begin: swarm.Begin{Transfer: 7, Key: "0/video-1/1234", Size: 40_000, Hops: 1, Count: -1},
		ContentType: "video/mp4", ETag: `"5f3a"`, LastModified: "Sat, 22 Nov 2025 10:37:00 GMT",
		Leaves: leaves(3), Statement: statement(40_000, 3)}},
	{"begin of a push that grows, unsigned", Begin{Begin: swarm.Begin{Transfer: 70_000, Key: "720p/88.2", Size: -1, Count: -1, Slices: 0b10010110},
		ContentType: "video/mp2t", Leaves: leaves(1)}},
	{"begin in the middle", Begin{Begin: swarm.Begin{Transfer: 8, Key: "0/video-1/1234", Size: 40_000, First: 1, Count: 1},
		FirstLeaf: 1, Leaves: leaves(1)}},
	{"leaves of a growing segment", Leaves{Transfer: 70_000, First: 1, Size: -1, Leaves: leaves(2), Statement: statement(-1, 3)}},
	{"tail", Tail{Transfer: 70_000, Index: 3, Payload: []byte("chunk")}},
	{"tail that goes on, signed", Tail{Transfer: 70_000, Index: 3, Offset: 5, Signature: tailSignature(), Payload: []byte(" of a segment")}},
	{"piece that completes a tail", Piece{Transfer: 70_000, Index: 3, Continues: true, Payload: []byte(".")}},
	{"leaves that tell the size", Leaves{Transfer: 70_000, First: 3, Size: 49_152, Statement: statement(49_152, 3)}},
}

func encodeSample(m any) (channel string, b []byte) {
	if f, ok := m.(BulkFrame); ok {
		return "bulk", appendBulk(nil, f)
	}
	return "control", Append(nil, m.(swarm.Message))
}

func TestVectors(t *testing.T) {
	var vectors []vector
	for _, s := range samples {
		kind, fields := describe(s.m)
		channel, b := encodeSample(s.m)
		vectors = append(vectors, vector{s.name, channel, kind, fields, hex.EncodeToString(b)})
	}
	text, err := json.MarshalIndent(vectors, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	text = append(text, '\n')
	path := filepath.Join("testdata", "vectors.json")
	if *update {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, text, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	golden, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(strings.Split(string(golden), "\n"), strings.Split(string(text), "\n")); diff != "" {
		t.Fatalf("the wire format changed; if that is meant, raise swarm.Version and run with -update (-golden +now):\n%s", diff)
	}
	var replay []vector
	if err := json.Unmarshal(golden, &replay); err != nil {
		t.Fatal(err)
	}
	for i, v := range replay {
		b, err := hex.DecodeString(v.Bytes)
		if err != nil {
			t.Fatal(err)
		}
		var got any
		if v.Channel == "bulk" {
			got, err = ParseBulk(b)
		} else {
			got, err = Parse(b)
		}
		if err != nil {
			t.Fatalf("%s: %v", v.Name, err)
		}
		if diff := cmp.Diff(samples[i].m, got); diff != "" {
			t.Errorf("%s (-sent +received):\n%s", v.Name, diff)
		}
	}
}
