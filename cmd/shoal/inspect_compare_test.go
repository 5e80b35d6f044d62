//go:build unix

package main

import (
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/shoal-p2p/shoal/cmd/shoal/internal/origin"
)

func TestInspectTwo(t *testing.T) {
	o, err := origin.New(origin.Config{VODSegments: 4})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(o)
	defer server.Close()
	vod := server.URL + "/vod/"
	other := strings.Replace(vod, "127.0.0.1", "localhost", 1)
	for name, c := range map[string]struct {
		args []string
		code int
		want string
	}{
		"token":            {[]string{vod + "manifest.mpd?a=1", vod + "manifest.mpd?a=2"}, 0, "SHARED: one swarm"},
		"number and time":  {[]string{vod + "manifest.mpd", vod + "timeline.mpd"}, 1, "named by number here and by time there"},
		"two hosts":        {[]string{vod + "manifest.mpd", other + "manifest.mpd"}, 1, "NOT SHARED: the keys agree"},
		"two hosts, named": {[]string{"--swarm", "film", vod + "manifest.mpd", other + "manifest.mpd"}, 0, "SHARED: one swarm"},
		"formats":          {[]string{vod + "manifest.mpd", vod + "master.m3u8"}, 1, "players of the two never share"},
		"JSON":             {[]string{"--json", vod + "manifest.mpd", vod + "master.m3u8"}, 1, `"code": "format"`},
		"three":            {[]string{"a", "b", "c"}, 2, "one or two"},
		"bases":            {[]string{"--base", vod, "--base", vod, "a"}, 2, "2 --base for 1 inputs"},
		"base":             {[]string{"--base", "film.mpd", "a"}, 2, "--base"},
		"swarm of one":     {[]string{"--swarm", "film", vod + "manifest.mpd"}, 2, "--swarm"},
		"define":           {[]string{"--define", "name", vod + "manifest.mpd"}, 2, "--define"},
		"at":               {[]string{"--at", "noon", vod + "manifest.mpd"}, 2, "--at"},
		"second is absent": {[]string{vod + "manifest.mpd", vod + "no.mpd"}, 1, "HTTP status 404"},
	} {
		t.Run(name, func(t *testing.T) {
			o := shoal(t, nil, append([]string{"inspect"}, c.args...)...)
			if text := o.stdout.String() + o.stderr.String(); o.code != c.code || !strings.Contains(text, c.want) {
				t.Errorf("exit code %d, want %d and %q: %s", o.code, c.code, c.want, text)
			}
		})
	}
}
