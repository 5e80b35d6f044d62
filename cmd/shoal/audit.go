package main

import (
	"fmt"
	"io"
	"sync"
)

// auditLines is how many records may wait for the disk.
const auditLines = 8192

// auditFile writes records from a goroutine of its own: a server must not wait for
// a disk. Records that find the queue full are left out and counted in the next
// line.
type auditFile struct {
	file  io.WriteCloser
	lines chan []byte
	done  chan struct{}

	mu     sync.Mutex
	closed bool
	lost   int
	err    error
}

func newAuditFile(file io.WriteCloser) *auditFile {
	a := &auditFile{file: file, lines: make(chan []byte, auditLines), done: make(chan struct{})}
	go func() {
		defer close(a.done)
		for line := range a.lines {
			if _, err := a.file.Write(line); err != nil {
				a.mu.Lock()
				a.err = err
				a.mu.Unlock()
			}
		}
	}()
	return a
}

// Write implements io.Writer for slog, which calls it once a record.
func (a *auditFile) Write(line []byte) (int, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.closed {
		return len(line), nil
	}
	kept := append([]byte(nil), line...)
	if a.lost > 0 {
		kept = append(fmt.Appendf(nil, "{\"event\":\"lost\",\"records\":%d}\n", a.lost), kept...)
	}
	select {
	case a.lines <- kept:
		a.lost = 0
	default:
		a.lost++
	}
	return len(line), nil
}

// Close writes what waits and returns the last error of the disk.
func (a *auditFile) Close() error {
	a.mu.Lock()
	if !a.closed {
		a.closed = true
		close(a.lines)
	}
	a.mu.Unlock()
	<-a.done
	if err := a.file.Close(); err != nil {
		return err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.err
}
