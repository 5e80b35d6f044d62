package prefetch

import (
	"bytes"
	"slices"

	"github.com/shoal-p2p/shoal/manifest"
)

// writeCopy writes the manifests of what is there.
func (r *run) writeCopy() error {
	if r.folder == nil {
		return nil
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	var tracks []manifest.CopiedTrack
	for _, l := range r.order {
		if len(l.done) == 0 {
			continue
		}
		slices.SortStableFunc(l.done, func(a, b manifest.CopiedSegment) int { return int(min(max(a.Start-b.Start, -1), 1)) })
		t := manifest.CopiedTrack{Track: l.track, Segments: slices.Clone(l.done)}
		if r.copy.Multivariant() {
			t.Folder = trackFolder(l.track.Key)
		}
		tracks = append(tracks, t)
	}
	if len(tracks) == 0 {
		return nil
	}
	files, notes, err := r.copy.Write(r.format, r.name, tracks)
	if err != nil {
		return err
	}
	r.report.Copy, r.report.Notes = r.name, append([]string{}, notes...)
	for _, f := range slices.Backward(files) { // the first names the others
		if _, err := r.folder.put(f.Name, bytes.NewReader(f.Body), nil); err != nil {
			return err
		}
	}
	return nil
}
