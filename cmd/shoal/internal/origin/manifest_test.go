package origin

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/Eyevinn/dash-mpd/mpd"
	"github.com/Eyevinn/hls-m3u8/m3u8"
)

func parseMPD(t testing.TB, o *Origin, path string) *mpd.MPD {
	t.Helper()
	doc, err := mpd.MPDFromBytes([]byte(text(t, ask(o, "GET", path))))
	if err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	return doc
}

func TestLiveMPD(t *testing.T) {
	o, c := newOrigin(t, time.Minute)
	doc := parseMPD(t, o, "/live/manifest.mpd")
	if doc.GetType() != "dynamic" || string(doc.AvailabilityStartTime) != "2026-03-01T12:00:00Z" {
		t.Errorf("type %s from %s", doc.GetType(), doc.AvailabilityStartTime)
	}
	if got := time.Duration(*doc.TimeShiftBufferDepth); got != 20*time.Second {
		t.Errorf("time-shift buffer of %v", got)
	}
	if doc.MinimumUpdatePeriod == nil || doc.PublishTime == "" {
		t.Error("a dynamic MPD needs minimumUpdatePeriod and publishTime")
	}
	if len(doc.UTCTimings) != 1 || doc.UTCTimings[0].Value != "http://example.com/live/time" {
		t.Errorf("UTCTiming %+v", doc.UTCTimings)
	}
	sets := doc.Periods[0].AdaptationSets
	if len(sets) != 3 || len(sets[0].Representations) != 3 || sets[1].Lang != "en" || sets[2].Lang != "de" {
		t.Fatalf("want one video set of three qualities, then en and de: %+v", sets)
	}
	for _, set := range sets {
		if d := float64(*set.SegmentTemplate.Duration) / float64(*set.SegmentTemplate.Timescale); d != 2 {
			t.Errorf("nominal duration of %v s", d)
		}
	}

	// Media numbers follow from the clock alone, so nothing may change.
	before := text(t, ask(o, "GET", "/live/manifest.mpd"))
	c.add(time.Hour)
	if after := text(t, ask(o, "GET", "/live/manifest.mpd")); after != before {
		t.Error("the $Number$ manifest changed with time")
	}
}

// TestTimelineMPD fetches every segment that the timeline names, in a window
// that holds a loop point, and checks that it says what the bytes say.
func TestTimelineMPD(t *testing.T) {
	o, _ := newOrigin(t, 41*time.Second)
	doc := parseMPD(t, o, "/live/timeline.mpd")
	if string(doc.PublishTime) != "2026-03-01T12:00:40Z" {
		t.Errorf("published at %s, want when the newest segment appeared", doc.PublishTime)
	}
	for _, set := range doc.Periods[0].AdaptationSets {
		for _, rep := range set.Representations {
			tr := o.byID[rep.Id]
			count, next := 0, uint64(0)
			for _, s := range set.SegmentTemplate.SegmentTimeline.S {
				if s.T != nil {
					if next != 0 && *s.T != next {
						t.Errorf("%s: run starts at %d, the one before ended at %d", rep.Id, *s.T, next)
					}
					next = *s.T
				}
				for range s.R + 1 {
					resp := ask(o, "GET", fmt.Sprintf("/live/%s/t%d.m4s", rep.Id, next))
					if resp.StatusCode != 200 {
						t.Fatalf("%s at %d: status %d", rep.Id, next, resp.StatusCode)
					}
					decodeTime, _, samples := parse(t, tr, []byte(text(t, resp)))
					var length uint64
					for _, sample := range samples {
						length += uint64(sample.Dur)
					}
					if decodeTime != next || length != s.D {
						t.Errorf("%s: manifest says %d+%d, segment says %d+%d", rep.Id, next, s.D, decodeTime, length)
					}
					next += s.D
					count++
				}
			}
			if count != 10 {
				t.Errorf("%s: %d segments listed, want 10", rep.Id, count)
			}
		}
	}
}

func TestStaticMPD(t *testing.T) {
	o, _ := newOrigin(t, 0)
	for _, path := range []string{"/vod/manifest.mpd", "/vod/timeline.mpd"} {
		doc := parseMPD(t, o, path)
		if doc.GetType() != "static" || time.Duration(*doc.MediaPresentationDuration) != 80*time.Second {
			t.Errorf("%s: %s of %v", path, doc.GetType(), doc.MediaPresentationDuration)
		}
		if doc.AvailabilityStartTime != "" || doc.MinimumUpdatePeriod != nil || len(doc.UTCTimings) != 0 {
			t.Errorf("%s: carries attributes of a dynamic MPD", path)
		}
	}
}

func TestMultivariant(t *testing.T) {
	o, _ := newOrigin(t, time.Minute)
	list, kind, err := m3u8.DecodeFrom(strings.NewReader(text(t, ask(o, "GET", "/live/master.m3u8"))), true)
	if err != nil || kind != m3u8.MASTER {
		t.Fatalf("kind %v: %v", kind, err)
	}
	variants := list.(*m3u8.MasterPlaylist).Variants
	if len(variants) != 3 {
		t.Fatalf("%d variants", len(variants))
	}
	last := uint32(0)
	for _, v := range variants {
		if v.Bandwidth <= last || v.AverageBandwidth == 0 || v.AverageBandwidth > v.Bandwidth {
			t.Errorf("%s: bandwidth %d, average %d", v.URI, v.Bandwidth, v.AverageBandwidth)
		}
		last = v.Bandwidth
		if v.Audio != audioGroup || len(v.Alternatives) != 2 || !strings.HasPrefix(v.Codecs, "avc1.") || !strings.HasSuffix(v.Codecs, ",mp4a.40.2") {
			t.Errorf("%s: audio %q with %d renditions, codecs %q", v.URI, v.Audio, len(v.Alternatives), v.Codecs)
		}
		if got := ask(o, "GET", "/live/"+v.URI).StatusCode; got != 200 {
			t.Errorf("%s: status %d", v.URI, got)
		}
	}
	for _, a := range variants[0].Alternatives {
		if got := ask(o, "GET", "/live/"+a.URI).StatusCode; got != 200 {
			t.Errorf("%s: status %d", a.URI, got)
		}
	}
}

func mediaPlaylist(t testing.TB, o *Origin, path string) *m3u8.MediaPlaylist {
	t.Helper()
	list, kind, err := m3u8.DecodeFrom(strings.NewReader(text(t, ask(o, "GET", path))), true)
	if err != nil || kind != m3u8.MEDIA {
		t.Fatalf("%s: kind %v: %v", path, kind, err)
	}
	return list.(*m3u8.MediaPlaylist)
}

func TestMediaPlaylistSlides(t *testing.T) {
	o, c := newOrigin(t, 0)
	for n := range 40 {
		c.set(epoch.Add(time.Duration(n) * SegmentDuration))
		for _, tr := range o.tracks {
			list := mediaPlaylist(t, o, "/live/"+tr.id+"/index.m3u8")
			count := list.Count()
			if want := uint(min(n, 10)); count != want {
				t.Fatalf("after %d segments: %d listed, want %d", n, count, want)
			}
			if count == 0 {
				continue
			}
			if list.SeqNo+uint64(count) != uint64(n) || list.Closed || list.TargetDuration != 2 {
				t.Errorf("after %d segments: %d from %d, closed %v, target %v", n, count, list.SeqNo, list.Closed, list.TargetDuration)
			}
			for i, s := range list.Segments[:count] {
				number := list.SeqNo + uint64(i)
				if s.URI != fmt.Sprintf("%d.m4s", number) {
					t.Errorf("media sequence %d is called %s", number, s.URI)
				}
				want := epoch.Add(tr.duration(tr.startOf(number)))
				if off := s.ProgramDateTime.Sub(want).Abs(); off > time.Millisecond/2 {
					t.Errorf("%s/%d: program date-time off by %v", tr.id, number, off)
				}
			}
		}
	}
}

func TestVODPlaylist(t *testing.T) {
	o, _ := newOrigin(t, 0)
	for _, tr := range o.tracks {
		list := mediaPlaylist(t, o, "/vod/"+tr.id+"/index.m3u8")
		if !list.Closed || list.MediaType != m3u8.VOD || list.Count() != 40 || list.SeqNo != 0 {
			t.Errorf("%s: closed %v, type %v, %d segments from %d", tr.id, list.Closed, list.MediaType, list.Count(), list.SeqNo)
		}
		var total float64
		for _, s := range list.Segments[:list.Count()] {
			total += s.Duration
		}
		if total < 79.97 || total > 80.0001 {
			t.Errorf("%s: %v s in all, want 80 less at most a frame", tr.id, total)
		}
		if list.Map == nil || list.Map.URI != "init.mp4" {
			t.Errorf("%s: EXT-X-MAP %+v", tr.id, list.Map)
		}
	}
}

// TestDurationSurvivesLargeDates guards the arithmetic for an origin whose epoch
// is 1970: a product of ticks and nanoseconds would overflow.
func TestDurationSurvivesLargeDates(t *testing.T) {
	for _, tr := range tracks(t) {
		const n = 890_000_000
		if got := tr.duration(tr.startOf(n)); got != n*SegmentDuration {
			t.Errorf("%s: segment %d starts at %v, want %v", tr.id, n, got, n*SegmentDuration)
		}
	}
}
