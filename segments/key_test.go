package segments

import (
	"net/url"
	"strings"
	"testing"
)

func TestKeyForms(t *testing.T) {
	track := DASHTrack("P1", "video/720p é")
	for _, c := range []struct{ got, want Key }{
		{NumberKey(track, 1234), "P1/video%2F720p%20%C3%A9/1234"},
		{TimeKey(track, 900000), "P1/video%2F720p%20%C3%A9/t900000"},
		{RangeKey(track, 5000, 9999), "P1/video%2F720p%20%C3%A9/5000-9999"},
		{DASHInitKey(track), "P1/video%2F720p%20%C3%A9/init"},
		{NumberKey(HLSTrack("audio"), 18446744073709551615), "audio/18446744073709551615"},
		{PartKey(HLSTrack("audio"), 7, 2), "audio/7.2"},
		{NumberKey(DASHTrack("", ""), 1), "_/_/1"},
		{NumberKey(DASHTrack("@0:1~a-b_c.d", "%"), 1), "@0:1~a-b_c.d/%25/1"},
	} {
		if c.got != c.want {
			t.Errorf("got %s, want %s", c.got, c.want)
		}
		if err := c.got.Validate(); err != nil {
			t.Errorf("%s: %v", c.got, err)
		}
	}
}

func TestKeyTrack(t *testing.T) {
	for _, c := range []struct {
		key  Key
		want string
	}{
		{"p/v/12", "p/v"}, {"audio/7.2", "audio"}, {"audio", ""}, {"", ""}, {"/1", ""},
	} {
		if got := c.key.Track(); got != c.want {
			t.Errorf("%q: got %q, want %q", c.key, got, c.want)
		}
	}
}

func TestKeyValidate(t *testing.T) {
	longest := Key("t/" + strings.Repeat("1", MaxKeyLength-2))
	for _, c := range []struct {
		name string
		key  Key
		ok   bool
	}{
		{"longest", longest, true},
		{"one byte longer", longest + "1", false},
		{"empty", "", false},
		{"no track", "init", false},
		{"space", "a/b c", false},
		{"newline", "a/b\n", false},
		{"delete", "a/\x7f", false},
		{"not ASCII", "a/é", false},
		{"highest printable", "a/~", true},
	} {
		if err := c.key.Validate(); (err == nil) != c.ok {
			t.Errorf("%s: got %v", c.name, err)
		}
	}
}

func TestHLSInitKeyDependsOnPathAndRangeOnly(t *testing.T) {
	base := HLSInitKey("v", "/a/init.mp4", "")
	if !strings.HasPrefix(string(base), "v/init.") || len(base) != len("v/init.")+8 {
		t.Errorf("got %s", base)
	}
	for _, other := range []Key{HLSInitKey("v", "/b/init.mp4", ""), HLSInitKey("v", "/a/init.mp4", "0-99"), HLSInitKey("w", "/a/init.mp4", "")} {
		if other == base {
			t.Errorf("%s twice", base)
		}
	}
}

func TestResourceKeyIsCanonical(t *testing.T) {
	key := func(s string) Key {
		u, err := url.Parse(s)
		if err != nil {
			t.Fatal(err)
		}
		return ResourceKey(u)
	}
	base := key("https://example.com/a.js?v=1")
	for _, same := range []string{
		"HTTPS://EXAMPLE.com/a.js?v=1",
		"https://user:pw@example.com/a.js?v=1#top",
		"https://example.com/a.js?v=1&CMCD=br%3D3200",
	} {
		if key(same) != base {
			t.Errorf("%s has another key", same)
		}
	}
	for _, other := range []string{"https://example.com/A.js?v=1", "https://example.com/a.js?v=2", "http://example.com/a.js?v=1"} {
		if key(other) == base {
			t.Errorf("%s has the same key", other)
		}
	}
	if err := base.Validate(); err != nil {
		t.Error(err)
	}
	if strings.Contains(string(base), "example") {
		t.Errorf("%s tells the URL", base)
	}
}
