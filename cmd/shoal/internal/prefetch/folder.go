package prefetch

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/shoal-p2p/shoal/segments"
)

// errDigest says that a file is not what the stream's signer has vouched for.
var errDigest = errors.New("its bytes are not those that were signed")

// folder keeps segments as files.
type folder struct {
	root *os.Root
}

// newFolder makes dir. os.Root keeps every name that a manifest invents inside it.
func newFolder(dir string) (*folder, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, err
	}
	return &folder{root}, nil
}

func (f *folder) close() error { return f.root.Close() }

// has says that a file is whole: files get their name when they are. Where want
// is given, the file must also have that digest; it is removed otherwise.
func (f *folder) has(name string, want *segments.Digest) (int64, bool) {
	name = filepath.FromSlash(name)
	info, err := f.root.Stat(name)
	if err != nil || !info.Mode().IsRegular() {
		return 0, false
	}
	if want == nil {
		return info.Size(), true
	}
	file, err := f.root.Open(name)
	if err != nil {
		return 0, false
	}
	d := digester{}
	_, err = io.Copy(&d, file)
	if err = errors.Join(err, file.Close()); err == nil && d.digest() == *want {
		return info.Size(), true
	}
	f.root.Remove(name)
	return 0, false
}

// put writes to a temporary name first, so that no torn file is ever taken for a
// whole one. check sees the digest before the file gets its name.
func (f *folder) put(name string, body io.Reader, check func(segments.Digest) error) (int64, error) {
	name = filepath.FromSlash(name)
	if dir := filepath.Dir(name); dir != "." {
		if err := f.root.MkdirAll(dir, 0o755); err != nil {
			return 0, err
		}
	}
	part := name + ".part"
	file, err := f.root.Create(part)
	if err != nil {
		return 0, err
	}
	d := digester{}
	n, err := io.Copy(io.MultiWriter(file, &d), body)
	if err == nil && check != nil {
		err = check(d.digest())
	}
	if err == nil {
		err = file.Sync()
	}
	if err = errors.Join(err, file.Close()); err == nil {
		err = f.root.Rename(part, name)
	}
	if err != nil {
		f.root.Remove(part)
		return n, fmt.Errorf("%s: %w", filepath.ToSlash(name), err)
	}
	return n, nil
}

// digester computes a segment's digest while it is written.
type digester struct {
	size   int64
	piece  []byte
	leaves []segments.Leaf
}

func (d *digester) Write(p []byte) (int, error) {
	n := len(p)
	d.size += int64(n)
	for len(p) > 0 {
		take := min(len(p), segments.PieceSize-len(d.piece))
		d.piece, p = append(d.piece, p[:take]...), p[take:]
		if len(d.piece) == segments.PieceSize {
			d.leaves = append(d.leaves, segments.LeafOf(d.piece))
			d.piece = d.piece[:0]
		}
	}
	return n, nil
}

// digest ends the writing.
func (d *digester) digest() segments.Digest {
	if len(d.piece) > 0 {
		d.leaves = append(d.leaves, segments.LeafOf(d.piece))
		d.piece = nil
	}
	return segments.DigestOf(d.size, d.leaves)
}
