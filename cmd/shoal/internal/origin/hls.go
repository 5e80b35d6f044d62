package origin

import (
	"bytes"
	"fmt"
	"math"
	"time"
)

const (
	hlsVersion = 7 // EXT-X-MAP without I-frames-only needs 6 (RFC 8216 §7); fMP4 packagers say 7
	audioGroup = "audio"
)

// multivariant writes the HLS multivariant playlist (RFC 8216 §4.3.4): one
// variant a video quality, all with the same group of audio renditions.
func multivariant(tracks []*track) []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "#EXTM3U\n#EXT-X-VERSION:%d\n#EXT-X-INDEPENDENT-SEGMENTS\n", hlsVersion)
	var loudest, meanAudio int
	chosen := "YES"
	for _, t := range tracks {
		if t.video {
			continue
		}
		fmt.Fprintf(&b, "#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=%q,NAME=%q,LANGUAGE=%q,DEFAULT=%s,AUTOSELECT=YES,CHANNELS=\"1\",URI=%q\n",
			audioGroup, t.label, t.language, chosen, t.id+"/index.m3u8")
		chosen = "NO"
		loudest, meanAudio = max(loudest, t.peak), max(meanAudio, t.average)
	}
	for _, t := range tracks {
		if !t.video {
			continue
		}
		fmt.Fprintf(&b, "#EXT-X-STREAM-INF:BANDWIDTH=%d,AVERAGE-BANDWIDTH=%d,CODECS=\"%s,%s\",RESOLUTION=%dx%d,FRAME-RATE=%d.000,AUDIO=%q\n%s/index.m3u8\n",
			t.peak+loudest, t.average+meanAudio, t.codecs, audioCodecs(tracks), t.width, t.height, frameRate, audioGroup, t.id)
	}
	return b.Bytes()
}

func audioCodecs(tracks []*track) string {
	for _, t := range tracks {
		if !t.video {
			return t.codecs
		}
	}
	return ""
}

// mediaPlaylist writes one track's playlist as of now (RFC 8216 §4.3.3). The
// media sequence number of a segment is its DASH number.
func (p *presentation) mediaPlaylist(t *track, now time.Time) []byte {
	first, count := p.listed(now)
	var b bytes.Buffer
	// §4.3.3.1: EXTINF rounded to the nearest integer must not exceed this.
	target := int(math.Round(SegmentDuration.Seconds()))
	fmt.Fprintf(&b, "#EXTM3U\n#EXT-X-VERSION:%d\n#EXT-X-TARGETDURATION:%d\n#EXT-X-MEDIA-SEQUENCE:%d\n", hlsVersion, target, first)
	if !p.live {
		b.WriteString("#EXT-X-PLAYLIST-TYPE:VOD\n")
	}
	b.WriteString("#EXT-X-INDEPENDENT-SEGMENTS\n#EXT-X-MAP:URI=\"init.mp4\"\n")
	for n := first; n < first+count; n++ {
		if p.live {
			start := p.epoch.Add(t.duration(t.startOf(n))).Round(time.Millisecond)
			fmt.Fprintf(&b, "#EXT-X-PROGRAM-DATE-TIME:%s\n", start.Format("2006-01-02T15:04:05.000Z07:00"))
		}
		fmt.Fprintf(&b, "#EXTINF:%.6f,\n%d.m4s\n", float64(t.durationOf(n))/float64(t.timescale), n)
	}
	if !p.live {
		b.WriteString("#EXT-X-ENDLIST\n")
	}
	return b.Bytes()
}

// duration of ticks in the track's timescale; whole seconds first, so that the
// product stays within 64 bits for any date.
func (t *track) duration(ticks uint64) time.Duration {
	whole, rest := ticks/t.timescale, ticks%t.timescale
	return time.Duration(whole)*time.Second + time.Duration(rest)*time.Second/time.Duration(t.timescale)
}
