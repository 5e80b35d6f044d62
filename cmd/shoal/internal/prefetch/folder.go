package prefetch

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/shoal-p2p/shoal/manifest"
	"github.com/shoal-p2p/shoal/manifest/timeline"
)

// folder keeps segments as files under the path they have beside the manifest.
type folder struct {
	root *os.Root
	dir  string
	base *url.URL
}

// newFolder makes dir. os.Root keeps every name a manifest invents inside it.
func newFolder(dir, manifestURL string) (*folder, error) {
	base, err := url.Parse(manifestURL)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, err
	}
	return &folder{root: root, dir: dir, base: base}, nil
}

// name is the file for a URL: its path below the manifest's folder, or
// host/path for what lies elsewhere.
func (f *folder) name(raw string) (string, error) {
	u, err := f.base.Parse(raw)
	if err != nil {
		return "", err
	}
	clean := path.Clean("/" + u.Path)
	below := path.Dir(path.Clean("/" + f.base.Path))
	if u.Host == f.base.Host && below != "/" && strings.HasPrefix(clean, below+"/") {
		clean = clean[len(below):]
	} else if u.Host != f.base.Host {
		clean = "/" + strings.ReplaceAll(u.Host, ":", "_") + clean
	}
	name := filepath.FromSlash(strings.TrimPrefix(clean, "/"))
	if !filepath.IsLocal(name) {
		return "", fmt.Errorf("%s: its path cannot be a file name", u.Redacted())
	}
	return name, nil
}

// segment is the file for a segment; a byte range is a file of its own.
func (f *folder) segment(s timeline.Segment) (string, error) {
	name, err := f.name(s.URL)
	if err == nil && s.Range != nil {
		name = fmt.Sprintf("%s@%d-%d", name, s.Range.First, s.Range.Last)
	}
	return name, err
}

// has says that a file is whole: files get their name when they are.
func (f *folder) has(s timeline.Segment) (int64, bool) {
	name, err := f.segment(s)
	if err != nil {
		return 0, false
	}
	info, err := f.root.Stat(name)
	if err != nil || !info.Mode().IsRegular() {
		return 0, false
	}
	return info.Size(), true
}

func (f *folder) write(s timeline.Segment, body io.Reader) (int64, error) {
	name, err := f.segment(s)
	if err != nil {
		return 0, err
	}
	return f.put(name, body)
}

// put writes to a temporary name first, so that no torn file is ever taken for a
// whole one.
func (f *folder) put(name string, body io.Reader) (int64, error) {
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
	n, err := io.Copy(file, body)
	if err == nil {
		err = file.Sync()
	}
	if err = errors.Join(err, file.Close()); err == nil {
		err = f.root.Rename(part, name)
	}
	if err != nil {
		f.root.Remove(part)
	}
	return n, err
}

// manifests copies the manifest and, for HLS, its media playlists.
func (f *folder) manifests(ctx context.Context, src manifest.Source, p *timeline.Presentation) error {
	urls := []string{p.URL}
	for _, t := range p.Tracks {
		if t.URL != "" && t.URL != p.URL {
			urls = append(urls, t.URL)
		}
	}
	for _, u := range urls {
		resp, err := src.Fetch(ctx, manifest.Request{URL: u, Last: -1})
		if err != nil {
			return err
		}
		if resp.Status != 200 {
			return fmt.Errorf("%s: status %d", u, resp.Status)
		}
		name, err := f.name(u)
		if err != nil {
			return err
		}
		if _, err := f.put(name, strings.NewReader(string(resp.Body))); err != nil {
			return err
		}
	}
	return nil
}
