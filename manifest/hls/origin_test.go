package hls

import (
	"fmt"
	"strings"
	"time"
)

// origin is a live HLS origin in virtual time: what its playlist says at a
// moment is a pure function of that moment.
type origin struct {
	start     time.Time
	durations []time.Duration // of the segments, repeating
	window    int             // segments listed
	delay     time.Duration   // segment's last sample → listed
	dates     bool
	partsEach int // parts a segment, 0: no low latency
	skip      time.Duration
	first     uint64                    // media sequence number of the segment at start
	prefix    string                    // of file names
	jitter    func(i int) time.Duration // additional delay of segment i, nil: none
}

func (o *origin) duration(i int) time.Duration { return o.durations[i%len(o.durations)] }

// end is where segment i ends on the origin's timeline.
func (o *origin) end(i int) time.Duration {
	var cycle, end time.Duration
	for _, d := range o.durations {
		cycle += d
	}
	end = time.Duration((i+1)/len(o.durations)) * cycle
	for k := range (i + 1) % len(o.durations) {
		end += o.durations[k]
	}
	return end
}

// complete is the number of whole segments listed at t.
func (o *origin) complete(t time.Time) int {
	cycle := o.end(len(o.durations) - 1)
	n := max(0, int((t.Sub(o.start)-o.delay)/cycle)*len(o.durations)-1)
	for !t.Before(o.start.Add(o.end(n) + o.delay + o.late(n))) {
		n++
	}
	return n
}

func (o *origin) late(i int) time.Duration {
	if o.jitter == nil {
		return 0
	}
	return o.jitter(i)
}

// parts is how many parts of the segment in production are listed at t.
func (o *origin) parts(t time.Time) int {
	if o.partsEach == 0 {
		return 0
	}
	n := o.complete(t)
	begun := time.Duration(0)
	if n > 0 {
		begun = o.end(n - 1)
	}
	part := o.duration(n) / time.Duration(o.partsEach)
	return min(o.partsEach-1, max(0, int((t.Sub(o.start)-o.delay-begun)/part)))
}

// playlist is the media playlist at t; delta: leave out what a delta update may.
func (o *origin) playlist(t time.Time, delta bool) string {
	n := o.complete(t)
	from := max(0, n-o.window)
	var target time.Duration
	for _, d := range o.durations {
		target = max(target, d.Round(time.Second))
	}
	var b strings.Builder
	fmt.Fprintf(&b, "#EXTM3U\n#EXT-X-TARGETDURATION:%d\n#EXT-X-MEDIA-SEQUENCE:%d\n", int(target.Seconds()), o.first+uint64(from))
	if o.partsEach > 0 {
		fmt.Fprintf(&b, "#EXT-X-PART-INF:PART-TARGET=%.3f\n", (target / time.Duration(o.partsEach)).Seconds())
	}
	if o.partsEach > 0 || o.skip > 0 {
		fmt.Fprintf(&b, "#EXT-X-SERVER-CONTROL:CAN-BLOCK-RELOAD=%s,CAN-SKIP-UNTIL=%.0f\n", map[bool]string{true: "YES", false: "NO"}[o.partsEach > 0], o.skip.Seconds())
	}
	listed := from
	if delta && o.skip > 0 {
		boundary := o.end(n-1) - o.skip
		for listed < n && o.end(listed) < boundary {
			listed++
		}
		if listed > from {
			fmt.Fprintf(&b, "#EXT-X-SKIP:SKIPPED-SEGMENTS=%d\n", listed-from)
		}
	}
	if listed == from {
		b.WriteString("#EXT-X-MAP:URI=\"init.mp4\"\n")
	}
	for i := listed; i < n; i++ {
		if o.dates {
			fmt.Fprintf(&b, "#EXT-X-PROGRAM-DATE-TIME:%s\n", o.start.Add(o.end(i)-o.duration(i)).UTC().Format("2006-01-02T15:04:05.000Z"))
		}
		if i >= n-2 {
			o.writeParts(&b, i, o.partsEach)
		}
		fmt.Fprintf(&b, "#EXTINF:%.5f,\n%s%d.m4s\n", o.duration(i).Seconds(), o.prefix, o.first+uint64(i))
	}
	if o.partsEach > 0 {
		o.writeParts(&b, n, o.parts(t))
		fmt.Fprintf(&b, "#EXT-X-PRELOAD-HINT:TYPE=PART,URI=\"%s%d.%d.m4s\"\n", o.prefix, o.first+uint64(n), o.parts(t))
	}
	return b.String()
}

func (o *origin) writeParts(b *strings.Builder, i, count int) {
	for p := range count {
		fmt.Fprintf(b, "#EXT-X-PART:DURATION=%.5f,URI=\"%s%d.%d.m4s\"\n", (o.duration(i) / time.Duration(o.partsEach)).Seconds(), o.prefix, o.first+uint64(i), p)
	}
}

// answer serves a request sent at t: what it gives, and when. A blocking
// reload is held until the wanted media is listed.
func (o *origin) answer(address string, t time.Time) (body string, at time.Time) {
	var number uint64
	part, delta := 0, strings.Contains(address, "_HLS_skip=")
	_, query, _ := strings.Cut(address, "?")
	for v := range strings.SplitSeq(query, "&") {
		if n, err := fmt.Sscanf(v, "_HLS_msn=%d", &number); n == 1 && err == nil {
			continue
		}
		if _, err := fmt.Sscanf(v, "_HLS_part=%d", &part); err != nil {
			continue
		}
	}
	for number > 0 {
		have := o.first + uint64(o.complete(t))
		if have > number || have == number && o.partsEach > 0 && o.parts(t) > part {
			break
		}
		t = t.Add(10 * time.Millisecond)
	}
	return o.playlist(t, delta), t
}
