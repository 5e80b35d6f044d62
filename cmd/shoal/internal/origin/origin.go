package origin

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
)

const (
	typeMPD  = "application/dash+xml"
	typeM3U8 = "application/vnd.apple.mpegurl"

	// A live manifest may be kept half a segment: long enough to shield the
	// origin, short enough that a cache does not hide the newest segment.
	cacheLive   = "public, max-age=1"
	cacheStatic = "public, max-age=86400"
	cacheMedia  = "public, max-age=86400, immutable"
	cacheNever  = "no-store"
)

// Origin serves the clip. It is an http.Handler, safe for concurrent use.
type Origin struct {
	config Config
	tracks []*track
	byID   map[string]*track
	live   *presentation
	vod    *presentation
	routes *http.ServeMux
	counts *counters
	fault  atomic.Pointer[func(*http.Request) *Fault]
}

// New reads the bundled clip. It fails only for an impossible Config.
func New(config Config) (*Origin, error) {
	config, err := config.withDefaults()
	if err != nil {
		return nil, err
	}
	tracks, err := loadClip()
	if err != nil {
		return nil, err
	}
	o := &Origin{
		config: config,
		tracks: tracks,
		byID:   map[string]*track{},
		live:   &presentation{name: "live", live: true, epoch: config.Epoch, window: uint64(config.Window / SegmentDuration)},
		vod:    &presentation{name: "vod", epoch: config.Epoch, length: uint64(config.VODSegments)},
		routes: http.NewServeMux(),
		counts: newCounters(),
	}
	for _, t := range tracks {
		o.byID[t.id] = t
	}
	for _, p := range []*presentation{o.live, o.vod} {
		o.route("/"+p.name+"/manifest.mpd", func(w *recorder, r *http.Request) { o.serveMPD(w, r, p, false) })
		o.route("/"+p.name+"/timeline.mpd", func(w *recorder, r *http.Request) { o.serveMPD(w, r, p, true) })
		o.route("/"+p.name+"/master.m3u8", func(w *recorder, r *http.Request) { o.serveMultivariant(w, r, p) })
		o.route("/"+p.name+"/{track}/{file}", func(w *recorder, r *http.Request) { o.serveTrack(w, r, p) })
	}
	o.route("/live/time", o.serveTime)
	return o, nil
}

// Epoch is the live presentation's zero, as configured or chosen.
func (o *Origin) Epoch() time.Time { return o.config.Epoch }

// AvailableAt is when segment n of the live presentation is whole, on every
// track: what delivery times are measured from.
func (o *Origin) AvailableAt(n uint64) time.Time { return o.live.availableAt(n) }

// Stats of everything that has left so far.
func (o *Origin) Stats() Stats { return o.counts.snapshot() }

// SetFault asks f, from now on, what shall go wrong with each request; nil means
// nothing. A nil f ends all faults. f is called from many goroutines.
func (o *Origin) SetFault(f func(*http.Request) *Fault) {
	if f == nil {
		o.fault.Store(nil)
		return
	}
	o.fault.Store(&f)
}

// ServeHTTP answers GET, HEAD and OPTIONS. A Fault that truncates ends in
// panic(http.ErrAbortHandler), which net/http's server expects.
func (o *Origin) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	rec := &recorder{ResponseWriter: w, answer: answer{method: r.Method, status: http.StatusOK}}
	defer func() { o.counts.add(o.config.Label(r), o.config.Now(), rec.answer) }()

	header := w.Header()
	header.Set("Access-Control-Allow-Origin", "*")
	header.Set("Timing-Allow-Origin", "*")
	header.Set("Access-Control-Expose-Headers", "Accept-Ranges, Content-Length, Content-Range, Date, ETag, Last-Modified, Retry-After")
	if r.Method == http.MethodOptions {
		header.Set("Access-Control-Allow-Methods", "GET, HEAD, OPTIONS")
		header.Set("Access-Control-Allow-Headers", "*")
		header.Set("Access-Control-Max-Age", "86400")
		rec.WriteHeader(http.StatusNoContent)
		return
	}
	if f := o.fault.Load(); f != nil {
		if fault := (*f)(r); fault != nil {
			if fault.strike(rec, r) {
				return
			}
			faulty := &faultyWriter{ResponseWriter: w, ctx: r.Context(), fault: *fault, start: time.Now()}
			rec.ResponseWriter = faulty
			o.routes.ServeHTTP(rec, r)
			if faulty.cut {
				// The one way to end an answer without completing it: net/http
				// recovers this value silently and closes the connection.
				panic(http.ErrAbortHandler)
			}
			return
		}
	}
	o.routes.ServeHTTP(rec, r)
}

// route registers a handler that is always given the recorder ServeHTTP made.
func (o *Origin) route(path string, serve func(*recorder, *http.Request)) {
	o.routes.HandleFunc("GET "+path, func(w http.ResponseWriter, r *http.Request) { serve(w.(*recorder), r) })
}

func (o *Origin) serveMPD(w *recorder, r *http.Request, p *presentation, timeline bool) {
	scheme := "http"
	if r.TLS != nil {
		scheme = "https"
	}
	now := o.config.Now()
	body, err := p.dash(o.tracks, now, timeline, scheme+"://"+r.Host+"/live/time")
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	o.serveManifest(w, r, p, typeMPD, p.changed(now), body)
}

func (o *Origin) serveMultivariant(w *recorder, r *http.Request, p *presentation) {
	o.serveManifest(w, r, p, typeM3U8, p.epoch, multivariant(o.tracks))
}

func (o *Origin) serveManifest(w *recorder, r *http.Request, p *presentation, contentType string, changed time.Time, body []byte) {
	w.answer.kind = manifest
	cache := cacheStatic
	if p.live {
		cache = cacheLive
	}
	sum := sha256.Sum256(body)
	send(w, r, contentType, cache, hex.EncodeToString(sum[:8]), changed, body)
}

func (o *Origin) serveTime(w *recorder, r *http.Request) {
	w.answer.kind = manifest
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", cacheNever)
	fmt.Fprint(w, o.config.Now().UTC().Format("2006-01-02T15:04:05.000Z"))
}

func (o *Origin) serveTrack(w *recorder, r *http.Request, p *presentation) {
	t, file := o.byID[r.PathValue("track")], r.PathValue("file")
	if t == nil {
		refuse(w, http.StatusNotFound, fmt.Sprintf("no track %q in the clip", r.PathValue("track")))
		return
	}
	now := o.config.Now()
	switch file {
	case "index.m3u8":
		o.serveManifest(w, r, p, typeM3U8, p.changed(now), p.mediaPlaylist(t, now))
		return
	case "init.mp4":
		w.answer.kind = initSegment
		send(w, r, t.mediaType(), cacheMedia, t.edition+"-init", p.epoch, t.init)
		return
	}
	n, ok := t.parseName(file)
	if !ok {
		refuse(w, http.StatusNotFound, fmt.Sprintf("%q names no segment of %s", file, t.id))
		return
	}
	switch p.state(n, now) {
	case tooEarly:
		refuse(w, http.StatusNotFound, fmt.Sprintf("segment %d does not exist yet", n))
	case expired:
		refuse(w, http.StatusGone, fmt.Sprintf("segment %d has left the time-shift buffer", n))
	case available:
		w.answer.kind, w.answer.size = mediaSegment, t.sizeOf(n)
		w.answer.path = fmt.Sprintf("/%s/%s/%d.m4s", p.name, t.id, n)
		send(w, r, t.mediaType(), cacheMedia, fmt.Sprintf("%s-%d", t.edition, n), p.availableAt(n), t.segment(n))
	}
}

// parseName reads "1234.m4s" (number) or "t900000.m4s" (decode time, in ticks).
func (t *track) parseName(file string) (n uint64, ok bool) {
	name, found := strings.CutSuffix(file, ".m4s")
	if !found {
		return 0, false
	}
	digits, byTime := strings.CutPrefix(name, "t")
	v, err := strconv.ParseUint(digits, 10, 63)
	if err != nil || strconv.FormatUint(v, 10) != digits {
		return 0, false // one spelling a segment, or a cache would hold it twice
	}
	if byTime {
		return t.numberAt(v)
	}
	return v, true
}

func (t *track) mediaType() string {
	if t.video {
		return "video/mp4"
	}
	return "audio/mp4"
}

// send answers with body, whole or in ranges, or with 304.
func send(w http.ResponseWriter, r *http.Request, contentType, cache, etag string, changed time.Time, body []byte) {
	w.Header().Set("Content-Type", contentType)
	w.Header().Set("Cache-Control", cache)
	w.Header().Set("ETag", `"`+etag+`"`)
	http.ServeContent(w, r, "", changed, bytes.NewReader(body))
}

// refuse answers with an error that no cache may keep: a segment that is missing
// now may exist in a moment.
func refuse(w http.ResponseWriter, status int, why string) {
	w.Header().Set("Cache-Control", cacheNever)
	http.Error(w, why, status)
}

// recorder notes what an answer came to.
type recorder struct {
	http.ResponseWriter
	answer answer
}

func (w *recorder) WriteHeader(status int) {
	w.answer.status = status
	w.ResponseWriter.WriteHeader(status)
}

func (w *recorder) Write(p []byte) (int, error) {
	n, err := w.ResponseWriter.Write(p)
	w.answer.bytes += int64(n)
	return n, err
}

// Unwrap lets http.ResponseController reach the connection.
func (w *recorder) Unwrap() http.ResponseWriter { return w.ResponseWriter }
