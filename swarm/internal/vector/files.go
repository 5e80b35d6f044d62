package vector

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// Keep says how the file at path differs from the story, or, with update, rewrites
// it.
func Keep(path string, s Story, update bool) error {
	now, err := s.Marshal()
	if err != nil {
		return err
	}
	if update {
		return os.WriteFile(path, now, 0o644)
	}
	recorded, err := os.ReadFile(path)
	if err != nil {
		return fmt.Errorf("vector: %w; run the test with -update", err)
	}
	was, is := bytes.Split(recorded, []byte("\n")), bytes.Split(now, []byte("\n"))
	for i := range max(len(was), len(is)) {
		a, b := lineAt(was, i), lineAt(is, i)
		if !bytes.Equal(a, b) {
			return fmt.Errorf("vector: %s:%d is not what the brain does now; if that is meant, run the test with -update\nwas %s\nnow %s", path, i+1, a, b)
		}
	}
	return nil
}

func lineAt(lines [][]byte, i int) []byte {
	if i < len(lines) {
		return lines[i]
	}
	return nil
}

// Only complains of files of a pattern that no story stands behind, or, with
// update, removes them.
func Only(pattern string, known map[string]bool, update bool) error {
	files, err := filepath.Glob(pattern)
	if err != nil {
		return err
	}
	var errs []error
	for _, file := range files {
		switch {
		case known[file]:
		case update:
			errs = append(errs, os.Remove(file))
		default:
			errs = append(errs, fmt.Errorf("vector: no story stands behind %s; run the test with -update", file))
		}
	}
	return errors.Join(errs...)
}
