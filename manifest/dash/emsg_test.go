package dash

import (
	"bytes"
	"encoding/binary"
	"testing"
	"time"

	"github.com/Eyevinn/mp4ff/mp4"
)

func emsg(t testing.TB, version byte, scheme, value, message string) []byte {
	t.Helper()
	var b bytes.Buffer
	box := &mp4.EmsgBox{Version: version, TimeScale: 1000, SchemeIDURI: scheme, Value: value, MessageData: []byte(message)}
	if err := box.Encode(&b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func box(name string, size int) []byte {
	b := make([]byte, size)
	binary.BigEndian.PutUint32(b, uint32(size))
	copy(b[4:], name)
	return b
}

func TestExpiry(t *testing.T) {
	const early, late = "2026-01-01T10:00:00Z", "2026-01-01T10:00:30Z"
	join := func(parts ...[]byte) []byte { return bytes.Join(parts, nil) }
	large := box("mdat", 32)
	binary.BigEndian.PutUint32(large, 1)
	binary.BigEndian.PutUint64(large[8:], 32)
	for name, c := range map[string]struct {
		segment []byte
		want    string
	}{
		"none":                 {join(box("styp", 24), box("moof", 40), box("mdat", 9)), ""},
		"no segment":           {[]byte("\x47not MP4 at all"), ""},
		"empty":                {nil, ""},
		"version 0":            {join(box("styp", 24), emsg(t, 0, eventScheme, "1", early), box("moof", 40)), early},
		"version 1":            {join(emsg(t, 1, eventScheme, "1", early+"\x00")), early},
		"with a patch":         {emsg(t, 1, eventScheme, "2", early+"\x00<Patch/>"), early},
		"with an MPD":          {emsg(t, 1, eventScheme, "3", early+"\x00<MPD/>"), early},
		"the latest":           {join(emsg(t, 0, eventScheme, "1", late), emsg(t, 0, eventScheme, "1", early)), late},
		"behind a chunk":       {join(box("moof", 40), box("mdat", 99), large, emsg(t, 0, eventScheme, "1", early)), early},
		"callback event":       {emsg(t, 0, "urn:mpeg:dash:event:callback:2015", "1", early), ""},
		"SCTE 35":              {emsg(t, 0, "urn:scte:scte35:2013:bin", "1", early), ""},
		"unknown value":        {emsg(t, 0, eventScheme, "4", early), ""},
		"no time":              {emsg(t, 0, eventScheme, "1", "soon"), ""},
		"cut off":              {emsg(t, 0, eventScheme, "1", early)[:40], ""},
		"box of no size":       {join(make([]byte, 8), emsg(t, 0, eventScheme, "1", early)), ""},
		"message at the limit": {emsg(t, 0, eventScheme, "3", early+"\x00"+string(make([]byte, MaxEventBytes-12-16-27-len(early)-1))), early},
		"message past it":      {emsg(t, 0, eventScheme, "3", early+"\x00"+string(make([]byte, MaxEventBytes-12-16-27-len(early)))), ""},
		"boxes at the limit":   {join(bytes.Repeat(box("free", 8), MaxEventBoxes-1), emsg(t, 0, eventScheme, "1", early)), early},
		"boxes past it":        {join(bytes.Repeat(box("free", 8), MaxEventBoxes), emsg(t, 0, eventScheme, "1", early)), ""},
	} {
		t.Run(name, func(t *testing.T) {
			got, ok := Expiry(c.segment)
			if text := got.Format(time.RFC3339); ok != (c.want != "") || ok && text != c.want {
				t.Errorf("%s %v, want %q", text, ok, c.want)
			}
		})
	}
}

func FuzzExpiry(f *testing.F) {
	f.Add(emsg(f, 0, eventScheme, "1", "2026-01-01T10:00:00Z"))
	f.Add(append(box("moof", 16), emsg(f, 1, eventScheme, "2", "2026-01-01T10:00:00Z\x00<Patch/>")...))
	f.Fuzz(func(t *testing.T, segment []byte) {
		if at, ok := Expiry(segment); !ok && !at.IsZero() {
			t.Errorf("no event, but %v", at)
		}
	})
}
