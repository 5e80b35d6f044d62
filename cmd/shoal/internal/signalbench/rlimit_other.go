//go:build !linux

package signalbench

import "errors"

// raiseFileLimit fails: the servers are measured through Linux's /proc.
func raiseFileLimit(uint64) (uint64, error) {
	return 0, errors.New("bench-signal runs on Linux only")
}
