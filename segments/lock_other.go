//go:build !(darwin || dragonfly || freebsd || illumos || linux || netbsd || openbsd || windows)

package segments

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
)

// lockDirectory makes the lock file at path, which must not exist. Where there
// is no lock that ends with the process, a killed one leaves the file behind and
// the error says what to do.
func lockDirectory(path string) (unlock func() error, err error) {
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return nil, fmt.Errorf("%w: remove %s if no shoal is running", ErrLocked, path)
	}
	if err != nil {
		return nil, err
	}
	if err := file.Close(); err != nil {
		return nil, err
	}
	return func() error { return os.Remove(path) }, nil
}
