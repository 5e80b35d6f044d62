package swarm

import (
	"cmp"
	"iter"
	"slices"
	"strconv"
	"strings"

	"github.com/shoal-p2p/shoal/segments"
)

// number splits a key into its track and its plain number, if it has one.
func number(k Key) (track string, n uint64, ok bool) {
	i := strings.LastIndexByte(string(k), '/')
	if i < 0 {
		return "", 0, false
	}
	tail := string(k)[i+1:]
	n, err := strconv.ParseUint(tail, 10, 63)
	if err != nil || len(tail) > 1 && tail[0] == '0' {
		return "", 0, false
	}
	return string(k)[:i], n, true
}

// runs sorts keys and joins consecutive numbers of a track.
func runs(keys []Key) []Run {
	if len(keys) == 0 {
		return nil
	}
	keys = slices.Clone(keys)
	slices.SortFunc(keys, func(a, b Key) int {
		ta, na, oka := number(a)
		tb, nb, okb := number(b)
		switch {
		case oka != okb:
			return cmp.Compare(btoi(okb), btoi(oka)) // plain numbers first
		case oka:
			return cmp.Or(cmp.Compare(ta, tb), cmp.Compare(na, nb))
		}
		return cmp.Compare(a, b)
	})
	var out []Run
	var track string
	var next uint64
	open := false
	for _, k := range keys {
		t, n, ok := number(k)
		if open && ok && t == track && n == next && out[len(out)-1].Count < MaxRun {
			out[len(out)-1].Count++
			next++
			continue
		}
		out = append(out, Run{Key: k, Count: 1})
		track, next, open = t, n+1, ok
	}
	return out
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}

// keys yields the run's keys; a Count past MaxRun is cut.
func (r Run) keys() iter.Seq[Key] {
	return func(yield func(Key) bool) {
		track, n, ok := number(r.Key)
		if !ok {
			yield(r.Key)
			return
		}
		for i := range uint64(min(max(r.Count, 0), MaxRun)) {
			if !yield(segments.NumberKey(track, n+i)) {
				return
			}
		}
	}
}
