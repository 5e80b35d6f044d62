package main

import (
	"crypto/sha256"
	"fmt"
	"os"
	"sync"

	"github.com/shoal-p2p/shoal/player"
)

// hashList writes what was played, so that anybody can compare it with the
// origin's own bytes. Fields are separated by tabs:
//
//	SHA-256 in hex, size in bytes, key, URL, byte range "first-last" or "-"
type hashList struct {
	mu  sync.Mutex
	f   *os.File
	err error // of the first line that could not be written
}

func newHashList(path string) (*hashList, error) {
	f, err := os.Create(path)
	if err != nil {
		return nil, fmt.Errorf("--hashes: %w", err)
	}
	return &hashList{f: f}, nil
}

func (l *hashList) add(m player.Match, body []byte) {
	span := "-"
	if r := m.Segment.Range; r != nil {
		span = fmt.Sprintf("%d-%d", r.First, r.Last)
	}
	line := fmt.Sprintf("%x\t%d\t%s\t%s\t%s\n", sha256.Sum256(body), len(body), m.Segment.Key, m.Segment.URL, span)
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.err == nil {
		_, l.err = l.f.WriteString(line)
	}
}

// close says whether every line is in the file.
func (l *hashList) close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.f.Close(); l.err == nil {
		l.err = err
	}
	if l.err != nil {
		return fmt.Errorf("--hashes: %w", l.err)
	}
	return nil
}
