package origin

import (
	"bytes"
	"fmt"
	"text/template"
	"time"
)

// mpdRefresh is how often a client of the $Number$ manifest should look again.
// It never changes, so this only bounds how long a client misses that it is gone.
const mpdRefresh = 10 * time.Second

// mpdFields is what the template below is filled from.
type mpdFields struct {
	Live            bool
	Timeline        bool
	Start, Publish  string // xs:dateTime
	Refresh         string // xs:duration, as the rest
	Window          string
	Delay           string
	Duration        string
	SegmentDuration string
	Clock           string // URL of the UTCTiming source
	Sets            []adaptationSet
	FrameRate       int
}

type adaptationSet struct {
	ID              int
	Video           bool
	Lang, Label     string
	Main            bool
	Timescale       uint64
	Duration        uint64 // nominal, ticks
	Runs            []run
	Representations []representation
}

type representation struct {
	ID            string
	Codecs        string
	Bandwidth     int
	Width, Height int
}

// run is one S element of a SegmentTimeline (ISO/IEC 23009-1 §5.3.9.6): Repeat
// more segments follow the first, all Duration long.
type run struct{ Time, Duration, Repeat uint64 }

var mpdTemplate = template.Must(template.New("mpd").Parse(`<?xml version="1.0" encoding="UTF-8"?>
<MPD xmlns="urn:mpeg:dash:schema:mpd:2011" profiles="urn:mpeg:dash:profile:isoff-live:2011" minBufferTime="{{.SegmentDuration}}" maxSegmentDuration="{{.SegmentDuration}}"
{{- if .Live}} type="dynamic" availabilityStartTime="{{.Start}}" publishTime="{{.Publish}}" minimumUpdatePeriod="{{.Refresh}}" timeShiftBufferDepth="{{.Window}}" suggestedPresentationDelay="{{.Delay}}">
{{- else}} type="static" mediaPresentationDuration="{{.Duration}}">{{end}}
  <Period id="p0" start="PT0S">
{{- range .Sets}}
    <AdaptationSet id="{{.ID}}" contentType="{{if .Video}}video{{else}}audio{{end}}" mimeType="{{if .Video}}video{{else}}audio{{end}}/mp4" segmentAlignment="true" startWithSAP="1"
    {{- if .Video}} frameRate="{{$.FrameRate}}" par="16:9"{{else}} lang="{{.Lang}}" audioSamplingRate="{{.Timescale}}"{{end}}>
      {{- if not .Video}}
      <AudioChannelConfiguration schemeIdUri="urn:mpeg:dash:23003:3:audio_channel_configuration:2011" value="1"/>{{end}}
      <Role schemeIdUri="urn:mpeg:dash:role:2011" value="{{if .Main}}main{{else}}dub{{end}}"/>
      {{- if .Label}}
      <Label>{{.Label}}</Label>{{end}}
      {{- if $.Timeline}}
      <SegmentTemplate timescale="{{.Timescale}}" initialization="$RepresentationID$/init.mp4" media="$RepresentationID$/t$Time$.m4s">
        <SegmentTimeline>
        {{- range .Runs}}
          <S t="{{.Time}}" d="{{.Duration}}"{{if .Repeat}} r="{{.Repeat}}"{{end}}/>
        {{- end}}
        </SegmentTimeline>
      </SegmentTemplate>
      {{- else}}
      <SegmentTemplate timescale="{{.Timescale}}" duration="{{.Duration}}" startNumber="0" initialization="$RepresentationID$/init.mp4" media="$RepresentationID$/$Number$.m4s"/>
      {{- end}}
      {{- range .Representations}}
      <Representation id="{{.ID}}" codecs="{{.Codecs}}" bandwidth="{{.Bandwidth}}"{{if .Width}} width="{{.Width}}" height="{{.Height}}"{{end}}/>
      {{- end}}
    </AdaptationSet>
{{- end}}
  </Period>
{{- if .Live}}
  <UTCTiming schemeIdUri="urn:mpeg:dash:utc:http-iso:2014" value="{{html .Clock}}"/>
{{- end}}
</MPD>
`))

// dash writes the presentation's MPD as of now. clock is the absolute URL of
// /live/time, since a relative UTCTiming value means different things to
// different players.
func (p *presentation) dash(tracks []*track, now time.Time, timeline bool, clock string) ([]byte, error) {
	first, count := p.listed(now)
	doc := mpdFields{
		Live:            p.live,
		Timeline:        timeline,
		Start:           p.epoch.Format(time.RFC3339Nano),
		Publish:         p.epoch.Format(time.RFC3339Nano),
		Refresh:         xsDuration(mpdRefresh),
		Window:          xsDuration(time.Duration(p.window) * SegmentDuration),
		Delay:           xsDuration(3 * SegmentDuration),
		Duration:        xsDuration(time.Duration(p.length) * SegmentDuration),
		SegmentDuration: xsDuration(SegmentDuration),
		Clock:           clock,
		FrameRate:       frameRate,
	}
	if timeline {
		doc.Publish = p.changed(now).Format(time.RFC3339Nano)
		doc.Refresh = xsDuration(SegmentDuration)
	}
	for _, t := range tracks {
		r := representation{ID: t.id, Codecs: t.codecs, Bandwidth: t.peak, Width: t.width, Height: t.height}
		if last := len(doc.Sets) - 1; t.video && last >= 0 {
			doc.Sets[last].Representations = append(doc.Sets[last].Representations, r)
			continue
		}
		set := adaptationSet{
			ID: len(doc.Sets), Video: t.video, Lang: t.language, Label: t.label,
			Main:            len(doc.Sets) < 2, // the video, and the first language
			Timescale:       t.timescale,
			Duration:        t.timescale * uint64(SegmentDuration.Seconds()),
			Representations: []representation{r},
		}
		if timeline {
			set.Runs = t.runs(first, count)
		}
		doc.Sets = append(doc.Sets, set)
	}
	var b bytes.Buffer
	if err := mpdTemplate.Execute(&b, doc); err != nil {
		return nil, fmt.Errorf("origin: MPD: %w", err)
	}
	return b.Bytes(), nil
}

// runs describes count segments from first, equal neighbours folded together.
func (t *track) runs(first, count uint64) []run {
	var all []run
	for n := first; n < first+count; n++ {
		d := t.durationOf(n)
		if last := len(all) - 1; last >= 0 && all[last].Duration == d {
			all[last].Repeat++
			continue
		}
		all = append(all, run{Time: t.startOf(n), Duration: d})
	}
	return all
}

// xsDuration writes whole milliseconds as an xs:duration in seconds.
func xsDuration(d time.Duration) string {
	return fmt.Sprintf("PT%gS", float64(d.Milliseconds())/1000)
}
