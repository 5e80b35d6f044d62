package dash

import (
	"errors"
	"math"
	"testing"
)

func TestTemplateExpansion(t *testing.T) {
	a := address{number: 42, time: 900000, sub: 3}
	for media, want := range map[string]string{
		"$Number$.m4s":                       "42.m4s",
		"$Number%05d$.m4s":                   "00042.m4s",
		"$Number%d$.m4s":                     "42.m4s",
		"$RepresentationID$/$Time$.m4s":      "v1/900000.m4s",
		"$RepresentationID$$Number%03d$.m4f": "v1042.m4f",
		"$Bandwidth$/$Bandwidth%08d$/x":      "3000/00003000/x",
		"a$$b$Number$":                       "a$b42",
		"$Number$_$SubNumber%02d$.m4s":       "42_03.m4s",
		"$Number$-$Time$.m4s":                "42-900000.m4s",
		"plain.mp4":                          "plain.mp4",
		"open$Number":                        "open$Number",
		"$Unknown$/$Number$":                 "$Unknown$/42",
		"$$":                                 "$",
	} {
		tm, err := parseTemplate(media, "v1", 3000)
		if err != nil {
			t.Errorf("%q: %v", media, err)
			continue
		}
		if got := tm.expand(a); got != want {
			t.Errorf("%q: %q, want %q", media, got, want)
		}
		resolved := tm.resolve("http://h/p/x.mpd")
		if got := resolved.expand(a); got != resolve("http://h/p/x.mpd", want) {
			t.Errorf("%q resolved: %q", media, got)
		}
	}
}

func TestTemplateMatchInvertsExpand(t *testing.T) {
	for _, media := range []string{
		"$Number$.m4s", "$Number%05d$.m4s", "$Time$.m4s", "$Number$-$Time$.m4s", "$Number$5.m4s", "q/$Number%03d$_$SubNumber$",
		"seg?n=$Number$&x=1",
	} {
		tm, err := parseTemplate(media, "v", 1)
		if err != nil {
			t.Fatal(err)
		}
		tm = tm.resolve("https://h/")
		for _, n := range []uint64{0, 1, 5, 55, 99999, 100000, math.MaxUint64} {
			a := address{number: n, time: n, sub: 7}
			got, ok := tm.match(tm.expand(a))
			if !tm.has(numberIdentifier) {
				a.number = 0
			}
			if !tm.has(timeIdentifier) {
				a.time = 0
			}
			if !tm.has(subNumberIdentifier) {
				a.sub = 0
			}
			if !ok || got != a {
				t.Errorf("%q: %+v became %q and then %+v, %v", media, a, tm.expand(a), got, ok)
			}
		}
		for _, other := range []string{"https://h/x.m4s", "https://h/", "http://h/1.m4s", "https://h/1.m4s/more", "https://h/-1.m4s"} {
			if _, ok := tm.match(other); ok {
				t.Errorf("%q matches %q", media, other)
			}
		}
	}
	padded, _ := parseTemplate("$Number%03d$", "", 0)
	for _, wrong := range []string{"1", "01", "0001"} {
		if _, ok := padded.match(wrong); ok {
			t.Errorf("%%03d matches %q", wrong)
		}
	}
}

func TestTemplateFormatWidthIsLimited(t *testing.T) {
	if _, err := parseTemplate("$Number%020d$", "", 0); err != nil {
		t.Error(err)
	}
	if _, err := parseTemplate("$Number%021d$", "", 0); !errors.Is(err, ErrLimit) {
		t.Errorf("one digit over the limit: %v", err)
	}
	if _, err := parseTemplate("$Number%5x$", "", 0); err == nil {
		t.Error("a hexadecimal format is accepted")
	}
}

func TestInitializationKeepsSegmentIdentifiers(t *testing.T) {
	got, err := parseInitialization("$RepresentationID$/$Number%03d$/$Bandwidth$.mp4", "v", 7)
	if want := "v/$Number%03d$/7.mp4"; err != nil || got != want {
		t.Errorf("%q, %v; want %q", got, err, want)
	}
}
