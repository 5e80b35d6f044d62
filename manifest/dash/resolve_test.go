package dash

import "testing"

// The examples of RFC 3986 §5.4.
func TestResolveRFC3986(t *testing.T) {
	const base = "http://a/b/c/d;p?q"
	for ref, want := range map[string]string{
		"g:h": "g:h", "g": "http://a/b/c/g", "./g": "http://a/b/c/g", "g/": "http://a/b/c/g/",
		"/g": "http://a/g", "//g": "http://g/", "?y": "http://a/b/c/d;p?y", "g?y": "http://a/b/c/g?y",
		"#s": "http://a/b/c/d;p?q", "g#s": "http://a/b/c/g", "g?y#s": "http://a/b/c/g?y", ";x": "http://a/b/c/;x",
		"g;x": "http://a/b/c/g;x", "": "http://a/b/c/d;p?q", ".": "http://a/b/c/", "./": "http://a/b/c/",
		"..": "http://a/b/", "../": "http://a/b/", "../g": "http://a/b/g", "../..": "http://a/", "../../": "http://a/",
		"../../g": "http://a/g", "../../../g": "http://a/g", "../../../../g": "http://a/g", "/./g": "http://a/g",
		"/../g": "http://a/g", "g.": "http://a/b/c/g.", ".g": "http://a/b/c/.g", "g..": "http://a/b/c/g..",
		"..g": "http://a/b/c/..g", "./../g": "http://a/b/g", "./g/.": "http://a/b/c/g/", "g/./h": "http://a/b/c/g/h",
		"g/../h": "http://a/b/c/h", "g;x=1/./y": "http://a/b/c/g;x=1/y", "g?y/./x": "http://a/b/c/g?y/./x",
	} {
		if got := resolve(base, ref); got != want {
			t.Errorf("%q: %q, want %q", ref, got, want)
		}
	}
}

func TestResolveKeepsTextAndEscapesWhatBrowsersEscape(t *testing.T) {
	for _, c := range [][3]string{
		{"http://h/a/x.mpd", "v 1/é.mp4", "http://h/a/v%201/%C3%A9.mp4"},
		{"http://h/a/x.mpd", "QualityLevels(300000)/Fragments(video=0)", "http://h/a/QualityLevels(300000)/Fragments(video=0)"},
		{"http://h/a/x.mpd?token=1", "a%2Fb.mp4", "http://h/a/a%2Fb.mp4"},
		{"http://h", "v.mp4", "http://h/v.mp4"},
		{"HTTP://Host/a/", "//other", "http://other/"},
		{"http://h/a/", "\n  v.mp4\t", "http://h/a/v.mp4"},
		{"http://h/a/", "https://other", "https://other/"},
	} {
		if got := resolve(c[0], c[1]); got != c[2] {
			t.Errorf("%q + %q: %q, want %q", c[0], c[1], got, c[2])
		}
	}
}

func TestCanonical(t *testing.T) {
	for in, want := range map[string]string{
		"HTTP://User:pw@Example.COM:80/A?b=C#d": "http://example.com/A?b=C",
		"https://h:443/":                        "https://h/",
		"https://h:8443/":                       "https://h:8443/",
	} {
		if got := canonical(in); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}
