package main

import (
	"bytes"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"testing"
)

// slowDisk takes nothing until it is released.
type slowDisk struct {
	release chan struct{}
	mu      sync.Mutex
	b       bytes.Buffer
	closed  bool
}

func (d *slowDisk) Write(b []byte) (int, error) {
	<-d.release
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.b.Write(b)
}

func (d *slowDisk) Close() error { d.closed = true; return nil }

func TestAuditDoesNotWaitForTheDisk(t *testing.T) {
	d := &slowDisk{release: make(chan struct{})}
	a := newAuditFile(d)
	for i := range auditLines + 100 { // returns although nothing is written
		fmt.Fprintf(a, "{\"n\":%d}\n", i)
	}
	close(d.release)
	for len(a.lines) == auditLines {
		runtime.Gosched()
	}
	fmt.Fprintf(a, "{\"n\":\"last\"}\n")
	if err := a.Close(); err != nil {
		t.Fatal(err)
	}
	text := d.b.String()
	if !strings.HasPrefix(text, "{\"n\":0}\n{\"n\":1}\n") || !strings.HasSuffix(text, "{\"n\":\"last\"}\n") ||
		!strings.Contains(text, `{"event":"lost","records":`) || !d.closed {
		t.Errorf("%d bytes, ending %q", len(text), text[max(0, len(text)-100):])
	}
	if n, err := fmt.Fprintln(a, "after"); n == 0 || err != nil {
		t.Errorf("a record after the end: %d, %v", n, err)
	}
}
