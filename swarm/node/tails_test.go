package node

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"github.com/shoal-p2p/shoal/segments"
)

// growingOrigin sends one segment chunk by chunk, each when the test says so.
type growingOrigin struct {
	*httptest.Server
	chunks   [][]byte
	release  chan struct{} // one value a chunk, for the first request
	requests atomic.Int32
}

func newGrowingOrigin(t *testing.T, sizes ...int) *growingOrigin {
	o := &growingOrigin{release: make(chan struct{})}
	for i, size := range sizes {
		o.chunks = append(o.chunks, content(string(rune('a'+i)), size))
	}
	o.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		first := o.requests.Add(1) == 1
		for _, c := range o.chunks {
			if first {
				select {
				case <-o.release:
				case <-r.Context().Done():
					return
				}
			}
			w.Write(c)
			w.(http.Flusher).Flush()
		}
	}))
	t.Cleanup(o.Close)
	return o
}

// resource can be had a moment after everybody has reserved it.
func (o *growingOrigin) resource() Resource {
	now := time.Now().Add(time.Second)
	return Resource{Key: "p/a/1", URL: o.URL, Last: -1, Available: now, Whole: now.Add(20 * time.Second), Deadline: now.Add(40 * time.Second), Shareable: true}
}

// byPeers is r for a peer that must not ask the origin, however busy the machine.
func byPeers(r Resource) Resource {
	r.URL = ""
	return r
}

// chunkSizes: less than a piece, up to a boundary exactly, several pieces, a byte.
var chunkSizes = []int{4000, 4000, segments.PieceSize - 8000, 900, 3 * segments.PieceSize, 1, 5000}

// Every chunk of a growing segment is at every viewer's reader before the origin
// has the next one, and its bytes cross each link once.
func TestGrowingSegmentFlowsChunkByChunk(t *testing.T) {
	for _, signed := range []bool{true, false} {
		t.Run(map[bool]string{true: "signed", false: "unsigned"}[signed], func(t *testing.T) {
			origin := newGrowingOrigin(t, chunkSizes...)
			net, signer := newFakeNet(), newSigner(t)
			seed := newTestNode(t, net, 1, func(c *Config) {
				c.Core.Seed = true
				if signed {
					c.Signer = signer
				}
			})
			var viewers []*testNode
			for i := range 3 {
				viewers = append(viewers, newTestNode(t, net, 2+i, func(c *Config) {
					if signed {
						c.PublicKey, c.RequireSigned = signer.Public(), true
					}
				}))
			}
			r := origin.resource()
			for _, v := range viewers {
				v.waitPeers(t, 3)
				v.Plan([]Resource{byPeers(r)})
			}
			waitFor(t, func() bool { return seed.Stats().Counters.Reservations >= int64(len(viewers)) })
			seed.Plan([]Resource{r})
			var readers []io.Reader
			for i, chunk := range origin.chunks {
				origin.release <- struct{}{}
				for j, v := range viewers {
					if i == 0 {
						s, err := v.Get(t.Context(), byPeers(r))
						if err != nil {
							t.Fatalf("viewer %d: %v", j, err)
						}
						defer s.Close()
						readers = append(readers, s.Reader(0, -1))
					}
					got := make([]byte, len(chunk))
					if _, err := io.ReadFull(readers[j], got); err != nil || !bytes.Equal(got, chunk) {
						t.Fatalf("viewer %d, chunk %d: equal %v, %v", j, i, bytes.Equal(got, chunk), err)
					}
				}
			}
			for j, v := range viewers {
				if rest, err := io.ReadAll(readers[j]); err != nil || len(rest) > 0 {
					t.Errorf("viewer %d: %d bytes behind the end, %v", j, len(rest), err)
				}
				if s := v.Stats(); s.OriginBytes != 0 || s.Rejected != 0 || s.Banned != 0 {
					t.Errorf("viewer %d: %d bytes from the origin, %d rejected, %d banned", j, s.OriginBytes, s.Rejected, s.Banned)
				}
			}
			size := int64(len(bytes.Join(origin.chunks, nil)))
			waitFor(t, func() bool {
				total := seed.Stats().Uploaded
				for _, v := range viewers {
					total += v.Stats().Uploaded
				}
				return total >= size*int64(len(viewers))
			})
			if n := origin.requests.Load(); n != 1 {
				t.Errorf("%d requests to the origin", n)
			}
			if up := seed.Stats().Uploaded; up > size*int64(len(viewers)) {
				t.Errorf("the seed sent %d bytes, %d viewers × %d are enough", up, len(viewers), size)
			}
		})
	}
}

// Who sends a tail that a seed did not sign, or cuts it otherwise, is banned, and
// its bytes are never shown.
func TestFalseTailIsNotShown(t *testing.T) {
	for name, tamper := range map[string]func([]byte) []byte{
		"bytes":  func(b []byte) []byte { b[len(b)-1] ^= 1; return b },
		"offset": func(b []byte) []byte { b[11]++; return b },
		"piece":  func(b []byte) []byte { b[9]++; return b },
	} {
		t.Run(name, func(t *testing.T) {
			origin := newGrowingOrigin(t, 4000, 4000, 4000)
			net, signer := newFakeNet(), newSigner(t)
			liar := newTestNode(t, net, 1, func(c *Config) { c.Signer, c.Core.Seed = signer, true })
			liar.net.tamper = func(b []byte) []byte {
				if b[0] == 3 {
					return tamper(b)
				}
				return b
			}
			v := newTestNode(t, net, 2, func(c *Config) { c.PublicKey, c.RequireSigned = signer.Public(), true })
			v.waitPeers(t, 1)
			r := origin.resource()
			v.Plan([]Resource{byPeers(r)})
			waitFor(t, func() bool { return liar.Stats().Counters.Reservations >= 1 })
			liar.Plan([]Resource{r})
			origin.release <- struct{}{}
			waitFor(t, func() bool { return v.Stats().Banned == 1 })
			if got := v.read(t, r); !bytes.Equal(got, bytes.Join(origin.chunks, nil)) {
				t.Error("wrong bytes")
			}
		})
	}
}

// Without a key a lie can be shown for a moment. The piece finds it out: the
// reader that has it gets an error, the next one the origin's bytes.
func TestUnsignedFalseTailIsFoundOut(t *testing.T) {
	origin := newGrowingOrigin(t, 4000, 4000, 4000)
	net := newFakeNet()
	liar := newTestNode(t, net, 1, func(c *Config) { c.Core.Seed = true })
	liar.net.tamper = func(b []byte) []byte {
		if b[0] == 3 {
			b[len(b)-1] ^= 1
		}
		return b
	}
	v := newTestNode(t, net, 2, nil)
	v.waitPeers(t, 1)
	r := origin.resource()
	v.Plan([]Resource{byPeers(r)})
	waitFor(t, func() bool { return liar.Stats().Counters.Reservations >= 1 })
	liar.Plan([]Resource{r})
	origin.release <- struct{}{}
	s, err := v.Get(t.Context(), byPeers(r))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	reader := s.Reader(0, -1)
	if _, err := io.ReadFull(reader, make([]byte, 4000)); err != nil {
		t.Fatal(err)
	}
	origin.release <- struct{}{}
	origin.release <- struct{}{}
	waitFor(t, func() bool { return v.Stats().Banned == 1 })
	if got := v.read(t, r); !bytes.Equal(got, bytes.Join(origin.chunks, nil)) {
		t.Error("wrong bytes")
	}
	if _, err := io.ReadAll(reader); !errors.Is(err, segments.ErrConflict) {
		t.Errorf("the reader that was lied to got %v", err)
	}
}
