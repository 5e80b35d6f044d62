package segments

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"
)

// TestResumeOverARealConnection breaks TCP connections in mid-body, three times.
func TestResumeOverARealConnection(t *testing.T) {
	data := randomBytes(1, 900_000)
	breaks := 0
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("ETag", `"v1"`)
		if breaks++; breaks <= 3 {
			w = &abortingWriter{ResponseWriter: w, left: 250_000}
		}
		http.ServeContent(w, r, "seg.mp4", time.Time{}, bytes.NewReader(data))
	}))
	defer server.Close()
	o := NewOrigin(OriginConfig{Backoff: time.Millisecond})
	defer o.Close()
	a := NewAssembly("v/1")
	w := a.OriginWriter(0, nil)
	n, err := o.Fetch(t.Context(), OriginRequest{URL: server.URL, Last: -1}, func(h Head) (io.Writer, error) {
		a.SetMeta(h.Meta)
		return w, a.SetSize(h.Size)
	})
	must(t, err)
	must(t, w.Close())
	s, err := a.Segment()
	must(t, err)
	if got, _ := s.Bytes(); n != int64(len(data)) || !bytes.Equal(got, data) || s.Meta.ContentType != "video/mp4" || breaks != 4 {
		t.Errorf("%d bytes of %q after %d requests", n, s.Meta.ContentType, breaks)
	}
}

// abortingWriter ends the connection after left bytes.
type abortingWriter struct {
	http.ResponseWriter
	left int
}

func (w *abortingWriter) Write(p []byte) (int, error) {
	n, err := w.ResponseWriter.Write(p[:min(len(p), w.left)])
	if w.left -= n; w.left == 0 || err != nil {
		w.ResponseWriter.(http.Flusher).Flush()
		panic(http.ErrAbortHandler)
	}
	return n, err
}

// TestBytesPassBeforeTheEnd: a segment that is still being produced reaches the
// assembly's readers while the origin's answer is open.
func TestBytesPassBeforeTheEnd(t *testing.T) {
	data := randomBytes(2, 2*PieceSize)
	proceed := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Write(data[:PieceSize])
		w.(http.Flusher).Flush()
		<-proceed
		w.Write(data[PieceSize:])
	}))
	defer server.Close()
	o := NewOrigin(OriginConfig{})
	defer o.Close()
	a := NewAssembly("v/1")
	done := make(chan error, 1)
	go func() {
		w := a.OriginWriter(0, nil)
		_, err := o.Fetch(t.Context(), OriginRequest{URL: server.URL, Last: -1}, func(Head) (io.Writer, error) { return w, nil })
		if err == nil {
			err = w.Close()
		}
		a.Fail(err)
		done <- err
	}()
	r := a.Reader(t.Context(), 0, -1)
	first := make([]byte, PieceSize)
	if _, err := io.ReadFull(r, first); err != nil || !bytes.Equal(first, data[:PieceSize]) {
		t.Errorf("first piece: %v", err)
	}
	close(proceed)
	rest, err := io.ReadAll(r)
	if err != nil || !bytes.Equal(rest, data[PieceSize:]) {
		t.Errorf("rest: %d bytes, %v", len(rest), err)
	}
	must(t, <-done)
}
