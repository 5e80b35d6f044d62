package segments

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"
)

// fetchAll fetches into a buffer and keeps the head.
func fetchAll(ctx context.Context, o *Origin, r OriginRequest) (head Head, body []byte, n int64, err error) {
	var b bytes.Buffer
	calls := 0
	n, err = o.Fetch(ctx, r, func(h Head) (io.Writer, error) {
		if calls++; calls > 1 {
			return nil, errors.New("sink was called twice")
		}
		head = h
		return &b, nil
	})
	return head, b.Bytes(), n, err
}

func ranges(requests []*http.Request) (got []string) {
	for _, r := range requests {
		s := r.Header.Get("Range")
		if c := r.Header.Get("If-Range"); c != "" {
			s += " if " + c
		}
		got = append(got, s)
	}
	return got
}

func TestFetch(t *testing.T) {
	data := randomBytes(1, 5000)
	whole := byteRange{0, -1}
	for _, c := range []struct {
		name   string
		etag   string
		script []answer
		span   byteRange
		want   []byte // nil: none
		size   int64  // in Head
		err    error
		asked  []string // Range and If-Range of each request
	}{
		{"whole", `"a"`, []answer{{}}, whole, data, 5000, nil, []string{""}},
		{"whole, size unknown", "", []answer{{unknownSize: true}}, whole, data, -1, nil, []string{""}},
		{"range", `"a"`, []answer{{}}, byteRange{10, 19}, data[10:20], 10, nil, []string{"bytes=10-19"}},
		{"range to the end", "", []answer{{}}, byteRange{4990, -1}, data[4990:], 10, nil, []string{"bytes=4990-"}},
		{"range over the end", "", []answer{{}}, byteRange{4990, 6000}, data[4990:], 10, nil, []string{"bytes=4990-6000"}},
		{"prefix", "", []answer{{}}, byteRange{0, 0}, data[:1], 1, nil, []string{"bytes=0-0"}},
		{"range of a server without", "", []answer{{noRange: true}}, byteRange{1000, 2999}, data[1000:3000], 2000, nil, []string{"bytes=1000-2999"}},
		{"the same, size unknown", "", []answer{{noRange: true, unknownSize: true}}, byteRange{1000, 2999}, data[1000:3000], -1, nil, []string{"bytes=1000-2999"}},
		{"the same, to the end", "", []answer{{noRange: true}}, byteRange{1000, -1}, data[1000:], 4000, nil, []string{"bytes=1000-"}},
		{"range behind the end", "", []answer{{}}, byteRange{5000, -1}, nil, 0, &StatusError{Code: 416}, []string{"bytes=5000-"}},
		{"range behind the end of a server without", "", []answer{{noRange: true}}, byteRange{5000, -1}, nil, 0, &StatusError{Code: 416}, []string{"bytes=5000-"}},
		{"the same, size unknown", "", []answer{{noRange: true, unknownSize: true}}, byteRange{6000, -1}, nil, 0, &StatusError{Code: 416}, []string{"bytes=6000-"}},

		{"resumed", `"a"`, []answer{{breakAfter: 1400}, {breakAfter: 700}, {}}, whole, data, 5000, nil,
			[]string{"", `bytes=1400- if "a"`, `bytes=2100- if "a"`}},
		{"range resumed", `"a"`, []answer{{breakAfter: 50}, {}}, byteRange{100, 999}, data[100:1000], 900, nil,
			[]string{"bytes=100-999", `bytes=150-999 if "a"`}},
		{"resumed at a server without ranges", `"a"`, []answer{{breakAfter: 1400}, {noRange: true}}, whole, data, 5000, nil,
			[]string{"", `bytes=1400- if "a"`}},
		{"size unknown, resumed", `"a"`, []answer{{breakAfter: 1400, unknownSize: true}, {}}, whole, data, -1, nil,
			[]string{"", `bytes=1400- if "a"`}},
		{"size unknown, broken off at its end", `"a"`, []answer{{breakAfter: 5000, unknownSize: true}, {}}, whole, data, -1, nil,
			[]string{"", `bytes=5000- if "a"`}},
		{"refused, then served", "", []answer{{err: errBroken}, {status: 503}, {}}, whole, data, 5000, nil, []string{"", "", ""}},
		{"answered in parts", `"a"`, []answer{{short: 2000}}, byteRange{0, 4999}, data, 5000, nil,
			[]string{"bytes=0-4999", `bytes=2000-4999 if "a"`, `bytes=4000-4999 if "a"`}},
		{"206 cut short without a word", `"a"`, []answer{{wrongRange: "bytes 0-99/5000", unknownSize: true, short: 60}, {}}, byteRange{0, 99}, data[:100], 100, nil,
			[]string{"bytes=0-99", `bytes=60-99 if "a"`}},

		{"broken without a validator", "", []answer{{breakAfter: 1400}, {}}, whole, data[:1400], 5000, errBroken, []string{""}},
		{"broken with a weak one", `W/"a"`, []answer{{breakAfter: 1400}, {}}, whole, data[:1400], 5000, errBroken, []string{""}},
		{"broken, no ranges there", `"a"`, []answer{{breakAfter: 1400, header: http.Header{"Accept-Ranges": {"none"}}}, {}}, whole, data[:1400], 5000, errBroken, []string{""}},
		{"changed meanwhile", `"a"`, []answer{{breakAfter: 1400}, {etag: `"b"`}}, whole, data[:1400], 5000, ErrChanged,
			[]string{"", `bytes=1400- if "a"`}},
		{"broken for ever", `"a"`, []answer{{breakAfter: 1}}, whole, data[:3], 5000, errBroken,
			[]string{"", `bytes=1- if "a"`, `bytes=2- if "a"`}},

		{"404", "", []answer{{status: 404}}, whole, nil, 0, &StatusError{Code: 404}, []string{""}},
		{"500 for ever", "", []answer{{status: 500}}, whole, nil, 0, &StatusError{Code: 500}, []string{"", "", ""}},
		{"501", "", []answer{{status: 501}}, whole, nil, 0, &StatusError{Code: 501}, []string{""}},
		{"204", "", []answer{{status: 204}}, whole, nil, 0, &StatusError{Code: 204}, []string{""}},
		{"304 not asked for", "", []answer{{status: 304}}, whole, nil, 0, &StatusError{Code: 304}, []string{""}},
		{"206 not asked for", "", []answer{{status: 206}}, whole, nil, 0, ErrBadAnswer, []string{""}},
		{"206 without Content-Range", "", []answer{{status: 206}}, byteRange{1, 2}, nil, 0, ErrBadAnswer, []string{"bytes=1-2"}},
		{"206 of another place", "", []answer{{wrongRange: "bytes 11-20/5000"}}, byteRange{10, 19}, nil, 0, ErrBadAnswer, []string{"bytes=10-19"}},
		{"206 of more", "", []answer{{wrongRange: "bytes 10-20/5000", unknownSize: true}}, byteRange{10, 19}, nil, 0, ErrBadAnswer, []string{"bytes=10-19"}},
		{"206 of another length", "", []answer{{wrongRange: "bytes 10-18/5000"}}, byteRange{10, 19}, nil, 0, ErrBadAnswer, []string{"bytes=10-19"}},
		{"206 with fewer bytes than it says", "", []answer{{wrongRange: "bytes 10-19/5000", unknownSize: true, short: 5}}, byteRange{10, 19}, data[10:15], 10, io.ErrUnexpectedEOF, []string{"bytes=10-19"}},
		{"206 with more bytes than it says", "", []answer{{wrongRange: "bytes 10-14/15", unknownSize: true}}, byteRange{10, 19}, data[10:15], 5, nil, []string{"bytes=10-19"}},
		{"gzip not asked for", "", []answer{{header: http.Header{"Content-Encoding": {"gzip"}}}}, whole, nil, 0, ErrBadAnswer, []string{""}},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				fake := &fakeOrigin{data: data, etag: c.etag, script: c.script}
				o := NewOrigin(OriginConfig{Client: &http.Client{Transport: fake}, Retries: 2})
				head, body, n, err := fetchAll(t.Context(), o, OriginRequest{URL: "http://origin/seg", First: c.span.first, Last: c.span.last})
				var want *StatusError
				if errors.As(c.err, &want) {
					var got *StatusError
					if !errors.As(err, &got) || got.Code != want.Code {
						t.Errorf("got %v, want status %d", err, want.Code)
					}
				} else if !errors.Is(err, c.err) {
					t.Errorf("got %v, want %v", err, c.err)
				}
				if !bytes.Equal(body, c.want) || n != int64(len(c.want)) || c.want != nil && head.Size != c.size {
					t.Errorf("%d bytes, n %d, size %d; want %d and %d", len(body), n, head.Size, len(c.want), c.size)
				}
				if diff := cmp.Diff(c.asked, ranges(fake.requests)); diff != "" {
					t.Errorf("requests: %s", diff)
				}
			})
		})
	}
}

func TestFetchOnce(t *testing.T) {
	data := bytes.Repeat([]byte("shoal"), 1000)
	for _, c := range []struct {
		name   string
		script []answer
		status int
		asked  []string
	}{
		{"refused", []answer{{status: 500}, {}}, 500, []string{""}},
		{"broken off", []answer{{breakAfter: 700}, {}}, 0, []string{"", `bytes=700- if "a"`}},
		{"broken off, then refused", []answer{{breakAfter: 700}, {status: 503}, {}}, 503, []string{"", `bytes=700- if "a"`}},
	} {
		synctest.Test(t, func(t *testing.T) {
			fake := &fakeOrigin{data: data, etag: `"a"`, script: c.script}
			o := NewOrigin(OriginConfig{Client: &http.Client{Transport: fake}})
			_, _, _, err := fetchAll(t.Context(), o, OriginRequest{URL: "http://origin/seg", Last: -1, Once: true})
			var status *StatusError
			if errors.As(err, &status) != (c.status != 0) || status != nil && status.Code != c.status {
				t.Errorf("%s: got %v, want status %d", c.name, err, c.status)
			}
			if diff := cmp.Diff(c.asked, ranges(fake.requests)); diff != "" {
				t.Errorf("%s: requests: %s", c.name, diff)
			}
		})
	}
}

func TestFetchLimit(t *testing.T) {
	for _, c := range []struct {
		name string
		size int
		a    answer
		span byteRange
		want error
		got  int
	}{
		{"announced at the limit", 5000, answer{}, byteRange{0, -1}, nil, 5000},
		{"announced one past", 5001, answer{}, byteRange{0, -1}, ErrTooLarge, 0},
		{"turns out at the limit", 5000, answer{unknownSize: true}, byteRange{0, -1}, nil, 5000},
		{"turns out one past", 5001, answer{unknownSize: true}, byteRange{0, -1}, ErrTooLarge, 4900}, // reads of 700
		{"a range at the limit of a larger resource", 9000, answer{}, byteRange{1, 5000}, nil, 5000},
		{"a range one past", 9000, answer{}, byteRange{1, 5001}, ErrTooLarge, 0},
	} {
		fake := &fakeOrigin{data: randomBytes(1, c.size), script: []answer{c.a}}
		o := NewOrigin(OriginConfig{Client: &http.Client{Transport: fake}, MaxBytes: 5000})
		_, body, _, err := fetchAll(t.Context(), o, OriginRequest{URL: "http://origin/", First: c.span.first, Last: c.span.last})
		if !errors.Is(err, c.want) || c.want == nil && err != nil || len(body) != c.got || len(fake.requests) != 1 {
			t.Errorf("%s: %d bytes in %d requests, %v", c.name, len(body), len(fake.requests), err)
		}
	}
}

func TestRequestFields(t *testing.T) {
	fake := &fakeOrigin{data: []byte("x"), script: []answer{{}}}
	o := NewOrigin(OriginConfig{Client: &http.Client{Transport: fake}})
	header := http.Header{
		"Range": {"bytes=5-6"}, "If-Range": {`"x"`}, "If-None-Match": {`"x"`}, "Accept-Encoding": {"gzip, br"}, "Connection": {"close"},
		"cookie": {"a=b"}, "Authorization": {"Bearer t"},
	}
	before := header.Clone()
	_, _, _, err := fetchAll(t.Context(), o, OriginRequest{URL: "http://origin/", Last: -1, Header: header})
	must(t, err)
	want := http.Header{"Accept-Encoding": {"identity"}, "User-Agent": {"shoal"}, "Cookie": {"a=b"}, "Authorization": {"Bearer t"}}
	if diff := cmp.Diff(want, fake.requests[0].Header); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(before, header); diff != "" {
		t.Errorf("the caller's header was changed: %s", diff)
	}
}

func TestHead(t *testing.T) {
	fake := &fakeOrigin{data: []byte("x"), etag: `"a"`, script: []answer{{header: http.Header{
		"Cache-Control": {"private"}, "Last-Modified": {"Thu, 01 Jan 2026 00:00:00 GMT"}, "X-Y": {"z"},
	}}}}
	o := NewOrigin(OriginConfig{Client: &http.Client{Transport: fake}})
	head, _, _, err := fetchAll(t.Context(), o, OriginRequest{URL: "http://origin/a?token=1", Last: -1})
	must(t, err)
	want := Meta{ContentType: "video/mp4", ETag: `"a"`, LastModified: "Thu, 01 Jan 2026 00:00:00 GMT"}
	if head.Meta != want || head.Status != 200 || head.Header.Get("X-Y") != "z" || head.URL != "http://origin/a?token=1" {
		t.Errorf("%+v", head)
	}
}

func TestConditional(t *testing.T) {
	fake := &fakeOrigin{data: []byte("x"), etag: `"a"`, script: []answer{{}}}
	o := NewOrigin(OriginConfig{Client: &http.Client{Transport: fake}})
	for etag, status := range map[string]int{`"a"`: 304, `"b"`: 200, "": 200} {
		head, body, err := o.Get(t.Context(), OriginRequest{URL: "http://origin/", Last: -1, ETag: etag}, 10)
		if err != nil || head.Status != status || (len(body) == 0) != (status == 304) {
			t.Errorf("%s: %d, %q, %v", etag, head.Status, body, err)
		}
	}
	_, _, err := o.Get(t.Context(), OriginRequest{URL: "http://origin/", Last: -1, LastModified: "then"}, 10)
	must(t, err)
	if got := fake.requests[3].Header.Get("If-Modified-Since"); got != "then" {
		t.Errorf("If-Modified-Since %q", got)
	}
}

func TestGetDocument(t *testing.T) {
	zip := func(b []byte) []byte {
		var out bytes.Buffer
		w := gzip.NewWriter(&out)
		w.Write(b)
		w.Close()
		return out.Bytes()
	}
	encoded := http.Header{"Content-Encoding": {"gzip"}}
	text := []byte(strings.Repeat("#EXTINF:2,\n", 300)) // 3300 bytes
	for _, c := range []struct {
		name   string
		data   []byte
		script []answer
		max    int64
		want   error
	}{
		{"plain", text, []answer{{}}, 3300, nil},
		{"plain, one past", text, []answer{{}}, 3299, ErrTooLarge},
		{"gzip", zip(text), []answer{{header: encoded}}, 3300, nil},
		{"gzip, one past", zip(text), []answer{{header: encoded}}, 3299, ErrTooLarge},
		{"gzip bomb", zip(make([]byte, 10<<20)), []answer{{header: encoded}}, 1 << 20, ErrTooLarge},
		{"gzip broken, then whole", zip(text), []answer{{header: encoded, breakAfter: 30}, {header: encoded}}, 3300, nil},
		{"broken without validator, then whole", text, []answer{{breakAfter: 700}, {}}, 3300, nil},
		{"changed between the attempts", text, []answer{{breakAfter: 700, etag: `"old"`}, {etag: `"new"`}}, 3300, nil},
		{"not gzip at all", text, []answer{{header: encoded}}, 3300, ErrBadAnswer},
		{"unknown encoding", text, []answer{{header: http.Header{"Content-Encoding": {"br"}}}}, 3300, ErrBadAnswer},
	} {
		synctest.Test(t, func(t *testing.T) {
			fake := &fakeOrigin{data: c.data, script: c.script}
			o := NewOrigin(OriginConfig{Client: &http.Client{Transport: fake}, Retries: 1})
			_, body, err := o.Get(t.Context(), OriginRequest{URL: "http://origin/m.m3u8", Last: -1}, c.max)
			if !errors.Is(err, c.want) || c.want == nil && (err != nil || !bytes.Equal(body, text)) {
				t.Errorf("%s: %d bytes, %v", c.name, len(body), err)
			}
			for _, r := range fake.requests {
				if r.Header.Get("Range") != "" || r.Header.Get("Accept-Encoding") != "gzip" {
					t.Errorf("%s: request %v", c.name, r.Header)
				}
			}
		})
	}
}

type failingWriter struct{ err error }

func (w failingWriter) Write(p []byte) (int, error) { return 0, w.err }

func TestSinkErrorsAreFinal(t *testing.T) {
	broken := errors.New("sink")
	for _, sink := range []func(Head) (io.Writer, error){
		func(Head) (io.Writer, error) { return nil, broken },
		func(Head) (io.Writer, error) { return failingWriter{broken}, nil },
	} {
		fake := &fakeOrigin{data: []byte("x"), etag: `"a"`, script: []answer{{}}}
		o := NewOrigin(OriginConfig{Client: &http.Client{Transport: fake}})
		if _, err := o.Fetch(t.Context(), OriginRequest{URL: "http://origin/", Last: -1}, sink); !errors.Is(err, broken) || len(fake.requests) != 1 {
			t.Errorf("%v after %d requests", err, len(fake.requests))
		}
	}
}

func TestBadRequests(t *testing.T) {
	o := NewOrigin(OriginConfig{Client: &http.Client{Transport: roundTripper(func(*http.Request) (*http.Response, error) { panic("sent") })}})
	for _, r := range []OriginRequest{
		{URL: "file:///etc/passwd", Last: -1}, {URL: "ftp://a/b", Last: -1}, {URL: "/relative", Last: -1}, {URL: "http:///path", Last: -1},
		{URL: "http://a\x7f/", Last: -1}, {URL: "", Last: -1},
		{URL: "http://a/", First: -1, Last: -1}, {URL: "http://a/", First: 5, Last: 4}, {URL: "http://a/", Last: -2},
		{URL: "http://a/", Last: maxPosition + 1}, {URL: "http://a/", First: maxPosition + 1, Last: -1},
	} {
		if _, _, err := o.Get(t.Context(), r, 0); err == nil {
			t.Errorf("%+v was accepted", r)
		}
	}
}

func TestErrorsHoldNoToken(t *testing.T) {
	for _, a := range []answer{{status: 403}, {err: errBroken}, {header: http.Header{"Content-Encoding": {"br"}}}} {
		o := NewOrigin(OriginConfig{Client: &http.Client{Transport: &fakeOrigin{script: []answer{a}}}, Retries: -1})
		_, _, err := o.Get(t.Context(), OriginRequest{URL: "http://user:secret@origin/seg?token=secret", Last: -1}, 0)
		if err == nil || strings.Contains(err.Error(), "secret") || !strings.Contains(err.Error(), "origin/seg") {
			t.Errorf("got %v", err)
		}
	}
}

// FuzzFetchRanges: whatever status, Content-Range and length a server answers a
// range with, what is handed on is never more than was asked for.
func FuzzFetchRanges(f *testing.F) {
	f.Add(int64(10), int64(19), true, "bytes 10-19/100", 10, false)
	f.Add(int64(10), int64(19), true, "bytes 10-18/100", 9, true)
	f.Add(int64(0), int64(-1), false, "", 50, false)
	f.Add(int64(5), int64(-1), true, "bytes 5-4611686018427387903/*", 50, true)
	f.Fuzz(func(t *testing.T, first, last int64, partial bool, contentRange string, length int, unknown bool) {
		if first < 0 || first > maxPosition || last < -1 || last > maxPosition || last >= 0 && last < first {
			t.Skip("Fetch refuses it, see TestBadRequests")
		}
		length = max(0, min(length, 3000))
		data := randomBytes(1, length)
		served := 0
		o := NewOrigin(OriginConfig{Retries: -1, MaxBytes: 2000, Client: &http.Client{Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
			served++
			answer := &http.Response{StatusCode: 200, Header: http.Header{"Content-Range": {contentRange}}, ContentLength: int64(length), Request: r, Body: io.NopCloser(bytes.NewReader(data))}
			if partial {
				answer.StatusCode = 206
			}
			if unknown {
				answer.ContentLength = -1
			}
			return answer, nil
		})}})
		head, body, n, err := fetchAll(t.Context(), o, OriginRequest{URL: "http://origin/", First: first, Last: last})
		if int64(len(body)) != n || n > 2000 || last >= 0 && n > last-first+1 {
			t.Fatalf("range %d-%d: %d bytes", first, last, n)
		}
		source := data
		if !partial {
			source = data[min(first, int64(length)):]
		}
		if !bytes.HasPrefix(source, body) {
			t.Fatalf("range %d-%d: bytes from elsewhere", first, last)
		}
		if err == nil && head.Size >= 0 && head.Size != n {
			t.Fatalf("range %d-%d: size %s, %d bytes", first, last, strconv.FormatInt(head.Size, 10), n)
		}
	})
}
