package player

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/shoal-p2p/shoal/manifest/timeline"
)

// choosable has two periods of the same tracks; the second lacks French.
func choosable() *timeline.Presentation {
	p := &timeline.Presentation{URL: "http://origin.test/film.mpd"}
	add := func(period string, t timeline.Track) {
		t.Period, t.Key = period, period+"/"+t.ID
		t.ID = period + "/" + t.ID
		t.Timeline = row{last: 1}
		p.Tracks = append(p.Tracks, &t)
	}
	for _, period := range []string{"p1", "p2"} {
		add(period, timeline.Track{ID: "v360", Kind: timeline.Video, Codecs: "avc1.64001e", Bandwidth: 800_000, Width: 640, Height: 360})
		add(period, timeline.Track{ID: "v720", Kind: timeline.Video, Codecs: "avc1.64001f", Bandwidth: 3_000_000, Width: 1280, Height: 720})
		add(period, timeline.Track{ID: "h1080", Kind: timeline.Video, Codecs: "hvc1.1.6.L120", Bandwidth: 5_000_000, Width: 1920, Height: 1080})
		add(period, timeline.Track{ID: "en", Kind: timeline.Audio, Codecs: "mp4a.40.2", Language: "en", Bandwidth: 128_000, Default: true})
		add(period, timeline.Track{ID: "de", Kind: timeline.Audio, Codecs: "mp4a.40.2", Language: "de-AT", Bandwidth: 128_000})
		if period == "p1" {
			add(period, timeline.Track{ID: "fr", Kind: timeline.Audio, Codecs: "ec-3", Language: "fr", Bandwidth: 256_000})
		}
		add(period, timeline.Track{ID: "sub de", Kind: timeline.Text, Language: "de", Bandwidth: 1000})
		add(period, timeline.Track{ID: "trick", Kind: timeline.Video, Bandwidth: 90_000_000, Height: 2160, TrickPlay: true})
		add(period, timeline.Track{ID: "thumbs", Kind: timeline.Image, Width: 160, Height: 90})
	}
	return p
}

func TestChooseGrammar(t *testing.T) {
	for _, c := range []struct{ spec, first, each string }{
		{"", "p1/h1080 p1/en", "p1/h1080 p1/en p2/h1080 p2/en"},
		{"best", "p1/h1080 p1/en", "p1/h1080 p1/en p2/h1080 p2/en"},
		{"lowest", "p1/v360 p1/en", "p1/v360 p1/en p2/v360 p2/en"},
		{"all", "p1/v360 p1/v720 p1/h1080 p1/en p1/de p1/fr p1/sub de p1/thumbs",
			"p1/v360 p1/v720 p1/h1080 p1/en p1/de p1/fr p1/sub de p1/thumbs p2/v360 p2/v720 p2/h1080 p2/en p2/de p2/sub de p2/thumbs"},
		{"height<=720", "p1/v720 p1/en", "p1/v720 p1/en p2/v720 p2/en"},
		{"height<720", "p1/v360 p1/en", "p1/v360 p1/en p2/v360 p2/en"},
		{"height>360 lowest", "p1/v720 p1/en", "p1/v720 p1/en p2/v720 p2/en"},
		{"width>=1280,bandwidth<4M", "p1/v720 p1/en", "p1/v720 p1/en p2/v720 p2/en"},
		{"height=360,height=720", "p1/v720 p1/en", "p1/v720 p1/en p2/v720 p2/en"},
		{"codecs=avc1", "p1/v720 p1/en", "p1/v720 p1/en p2/v720 p2/en"},
		{"codecs=ec-3", "p1/h1080 p1/fr", "p1/h1080 p1/fr p2/h1080"},
		{"lang=DE", "p1/h1080 p1/de p1/sub de", "p1/h1080 p1/de p1/sub de p2/h1080 p2/de p2/sub de"},
		{"lang=de,lang=en,height<=720", "p1/v720 p1/de p1/en p1/sub de", "p1/v720 p1/de p1/en p1/sub de p2/v720 p2/de p2/en p2/sub de"},
		{"kind=audio", "p1/en", "p1/en p2/en"},
		{"kind=audio all", "p1/en p1/de p1/fr", "p1/en p1/de p1/fr p2/en p2/de"},
		{"kind=text", "p1/sub de", "p1/sub de p2/sub de"},
		{"p2/v360", "p2/v360", "p2/v360"},
		{"p1/v360,p1/sub de", "p1/v360 p1/sub de", "p1/v360 p1/sub de"},
		{"p1/v360 lang=fr", "p1/v360 p1/fr", "p1/v360 p1/fr p2/h1080"},
		{"p1/trick, best", "p1/trick p1/en", "p1/trick p1/en p2/h1080 p2/en"},
	} {
		t.Run(c.spec, func(t *testing.T) {
			for _, choose := range []struct {
				name string
				f    func(*timeline.Presentation, string) ([]*timeline.Track, error)
				want string
			}{{"Choose", Choose, c.first}, {"ChooseEach", ChooseEach, c.each}} {
				got, err := choose.f(choosable(), c.spec)
				if err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(choose.want, strings.Join(trackIDs(got), " ")); diff != "" {
					t.Errorf("%s: %s", choose.name, diff)
				}
			}
		})
	}
}

func TestChooseEachByRepresentation(t *testing.T) {
	got, err := ChooseEach(choosable(), "v720,en")
	if err != nil {
		t.Fatal(err)
	}
	if want := "p1/v720 p1/en p2/v720 p2/en"; strings.Join(trackIDs(got), " ") != want {
		t.Errorf("%q, want %s", trackIDs(got), want)
	}
}

func TestChooseSaysWhatIsWrong(t *testing.T) {
	for spec, want := range map[string]string{
		"best lowest":                        "contradict",
		"height<=":                           "no value",
		"height<=tall":                       "want a number",
		"height=-1":                          "want a number",
		"lang<de":                            "want lang=",
		"colour=red":                         "want lang=",
		"kind=smell":                         "want video, audio",
		"kind=audio h999":                    `no track "h999"`,
		"nobody":                             `no track "nobody"; there are p1/v360`,
		"kind=text lang=zh":                  "no track is kind=text lang=zh; there are p1/v360 (video 640x360)",
		strings.Repeat("best ", maxChoice+1): "more than",
	} {
		_, err := Choose(choosable(), spec)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.40q: %v, want %q", spec, err, want)
		}
		if _, err = ChooseEach(choosable(), spec); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("each %.40q: %v, want %q", spec, err, want)
		}
	}
	if _, err := Choose(choosable(), strings.Repeat("best ", maxChoice)); err != nil {
		t.Error(err)
	}
	if err := CheckChoice("any-id lang=de"); err != nil {
		t.Error(err)
	}
	if err := CheckChoice("height<x"); err == nil {
		t.Error("accepted")
	}
}
