package player

import (
	"strings"
	"testing"
)

func TestSwarmID(t *testing.T) {
	for in, want := range map[string]string{
		"https://CDN.example:443/Live/a.mpd?token=1#t=3": "cdn.example/Live/a.mpd",
		"http://cdn.example/Live/a.mpd":                  "cdn.example/Live/a.mpd",
		"http://cdn.example:443/a.mpd":                   "cdn.example:443/a.mpd",
		"https://u:p@cdn.example/a%2Fb.mpd":              "cdn.example/a%2Fb.mpd",
		"https://cdn.example":                            "cdn.example/",
		"https://[2001:DB8::1]:8443/a":                   "[2001:db8::1]:8443/a",
		"https://[2001:DB8::1]/a":                        "[2001:db8::1]/a",
	} {
		if got, err := SwarmID(in); err != nil || got != want {
			t.Errorf("%s: %q, %v; want %q", in, got, err, want)
		}
	}
	for _, bad := range []string{"", "a.mpd", "ftp://cdn.example/a", "https:///a", "https://a b/"} {
		if got, err := SwarmID(bad); err == nil {
			t.Errorf("%q became %q", bad, got)
		}
	}
	host := "https://cdn.example/"
	for _, extra := range []int{0, 1} {
		path := strings.Repeat("x", maxSwarmName-len("cdn.example/")+extra)
		got, err := SwarmID(host + path)
		if err != nil || len(got) > maxSwarmName || (extra == 1) != strings.HasPrefix(got, "cdn.example/~") {
			t.Errorf("%d bytes over the limit: %q, %v", extra, got, err)
		}
	}
	if a, _ := SwarmID(host + strings.Repeat("x", 300)); !strings.HasSuffix(a, swarmName("cdn.example/" + strings.Repeat("x", 300))[len("cdn.example"):]) {
		t.Errorf("not the hash of the whole: %q", a)
	}
}

func TestTarget(t *testing.T) {
	for path, want := range map[string]string{
		"/https/cdn.example/a/b.mpd":        "https://cdn.example/a/b.mpd?q=1",
		"/http/127.0.0.1:8080/":             "http://127.0.0.1:8080/?q=1",
		"/http/cdn.example":                 "http://cdn.example/?q=1",
		"/http/%5B::1%5D:80/x":              "http://[::1]:80/x?q=1",
		"/http/[::1]:80/x":                  "http://[::1]:80/x?q=1",
		"/https/cdn.example/a%2Fb/c%20d.ts": "https://cdn.example/a%2Fb/c%20d.ts?q=1",
		"/https/cdn.example//a//b":          "https://cdn.example//a//b?q=1",
	} {
		u, err := target(path, "q=1")
		if err != nil || u.String() != want {
			t.Errorf("%s: %v, %v; want %s", path, u, err, want)
		}
	}
	for _, bad := range []string{"", "/", "/x", "/https", "/https/", "/https//a", "/file/etc/passwd", "/https/a@b/c", "/https/a%2fb/c", "/https/a%00b/c", "/https/a%zz/c", "/https/a:b:c/d", "/https/a b/c"} {
		if u, err := target(bad, ""); err == nil {
			t.Errorf("%q became %v", bad, u)
		}
	}
}

func TestReferenceResolve(t *testing.T) {
	// RFC 3986 §5.4
	base := splitReference("http://a/b/c/d;p?q")
	for ref, want := range map[string]string{
		"g": "http://a/b/c/g", "./g": "http://a/b/c/g", "g/": "http://a/b/c/g/", "/g": "http://a/g", "//g": "http://g",
		"?y": "http://a/b/c/d;p?y", "g?y": "http://a/b/c/g?y", "g#s": "http://a/b/c/g#s", ";x": "http://a/b/c/;x", "": "http://a/b/c/d;p?q",
		".": "http://a/b/c/", "./": "http://a/b/c/", "..": "http://a/b/", "../": "http://a/b/", "../g": "http://a/b/g",
		"../..": "http://a/", "../../g": "http://a/g", "../../../g": "http://a/g", "/../g": "http://a/g", "/./g": "http://a/g",
		"g.": "http://a/b/c/g.", "..g": "http://a/b/c/..g", "./../g": "http://a/b/g", "g/./h": "http://a/b/c/g/h", "g/../h": "http://a/b/c/h",
		"g:h": "g:h", "https://x/../y": "https://x/../y",
	} {
		if got := base.resolve(splitReference(ref)).String(); got != want {
			t.Errorf("%q: %s, want %s", ref, got, want)
		}
	}
}
