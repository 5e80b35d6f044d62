package signal

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"
)

// rawClient speaks websocket without any of Client's manners.
type rawClient struct {
	t    testing.TB
	conn *websocket.Conn
}

func dialRaw(t testing.TB, url string) *rawClient {
	t.Helper()
	conn, _, err := websocket.DefaultDialer.Dial("ws"+strings.TrimPrefix(url, "http"), nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	conn.SetReadDeadline(time.Now().Add(patience))
	return &rawClient{t, conn}
}

// handshakeStatus is the HTTP status of a handshake that must fail.
func handshakeStatus(t testing.TB, url string, header http.Header) *http.Response {
	t.Helper()
	conn, resp, err := websocket.DefaultDialer.Dial("ws"+strings.TrimPrefix(url, "http"), header)
	if err == nil {
		conn.Close()
		t.Fatal("the handshake went through")
	}
	if resp == nil {
		t.Fatal(err)
	}
	return resp
}

// send ignores errors: the server may have closed the connection already.
func (r *rawClient) send(b []byte) { r.conn.WriteMessage(websocket.BinaryMessage, b) }

func (r *rawClient) say(m Message) { r.send(Append(nil, m)) }

// join joins with plenty of room for links and waits for the Welcome.
func (r *rawClient) join(swarm string, n int) *rawClient {
	r.t.Helper()
	r.say(&Join{Version: Version, Swarm: swarm, Secret: secretOf(n), MaxLinks: 100})
	hear[*Welcome](r)
	return r
}

// hear reads until a message of type M comes.
func hear[M Message](r *rawClient) M {
	r.t.Helper()
	for {
		_, b, err := r.conn.ReadMessage()
		if err != nil {
			var want M
			r.t.Fatalf("waiting for %T: %v", want, err)
		}
		m, err := Parse(b)
		if err != nil {
			continue
		}
		if m, ok := m.(M); ok {
			return m
		}
	}
}

// refusedWith reads until the refusal and checks that the connection ends.
func (r *rawClient) refusedWith(code Code) {
	r.t.Helper()
	if got := hear[*Refused](r); got.Code != code {
		r.t.Errorf("refused with %s (%s), want %s", got.Code, got.Reason, code)
	}
	for {
		if _, _, err := r.conn.ReadMessage(); err != nil {
			if !websocket.IsCloseError(err, websocket.ClosePolicyViolation) {
				r.t.Errorf("the connection ended with %v", err)
			}
			return
		}
	}
}
