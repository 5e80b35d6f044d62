//go:build darwin || dragonfly || freebsd || illumos || linux || netbsd || openbsd

package segments

import (
	"errors"
	"fmt"
	"os"
	"syscall"
)

// lockDirectory takes the lock file at path. The kernel gives a flock back when
// the process ends, however it ends.
func lockDirectory(path string) (unlock func() error, err error) {
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	for {
		err = syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if !errors.Is(err, syscall.EINTR) {
			break
		}
	}
	if errors.Is(err, syscall.EWOULDBLOCK) {
		err = ErrLocked
	}
	if err != nil {
		file.Close()
		return nil, fmt.Errorf("%w: lock file %s", err, path)
	}
	return file.Close, nil
}
