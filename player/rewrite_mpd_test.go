package player

import (
	"bytes"
	"encoding/xml"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestRewriteMPD(t *testing.T) {
	const cdn = gatewayAt + "/https/cdn.example"
	for _, tc := range []struct{ name, in, want string }{
		{"relative stays", `<BaseURL>video/</BaseURL>`, `<BaseURL>video/</BaseURL>`},
		{"absolute", `<BaseURL serviceLocation="a">https://b.example/x/?k=1&amp;l=2</BaseURL>`, `<BaseURL serviceLocation="a">` + gatewayAt + `/https/b.example/x/?k=1&amp;l=2</BaseURL>`},
		{"white space stays", "<BaseURL>\n  /x/\t</BaseURL>", "<BaseURL>\n  " + cdn + "/x/\t</BaseURL>"},
		{"CDATA", `<BaseURL><![CDATA[https://b.example/?a&b]]></BaseURL>`, `<BaseURL>` + gatewayAt + `/https/b.example/?a&amp;b</BaseURL>`},
		{"comment inside", `<BaseURL>https://b<!-- x -->.example/</BaseURL>`, `<BaseURL>` + gatewayAt + `/https/b.example/</BaseURL>`},
		{"prefixed", `<d:BaseURL>/x/</d:BaseURL>`, `<d:BaseURL>` + cdn + `/x/</d:BaseURL>`},
		{"empty", `<BaseURL/><BaseURL></BaseURL>`, `<BaseURL/><BaseURL></BaseURL>`},
		{"location", `<Location>https://cdn.example/live/new.mpd</Location>`, `<Location>` + cdn + `/live/new.mpd</Location>`},
		{"patch location", `<PatchLocation ttl="60">/p.mpp</PatchLocation>`, `<PatchLocation ttl="60">` + cdn + `/p.mpp</PatchLocation>`},
		{"template keeps its format", `<SegmentTemplate media="/v/$Number%05d$.m4s" initialization='/v/$RepresentationID$.mp4' duration="2"/>`, `<SegmentTemplate media="` + cdn + `/v/$Number%05d$.m4s" initialization='` + cdn + `/v/$RepresentationID$.mp4' duration="2"/>`},
		{"relative template stays", `<SegmentTemplate media="$Time$.m4s?a=/b"/>`, `<SegmentTemplate media="$Time$.m4s?a=/b"/>`},
		{"list", `<SegmentURL media="//b.example/1.m4s" mediaRange="0-1"/>`, `<SegmentURL media="` + gatewayAt + `/https/b.example/1.m4s" mediaRange="0-1"/>`},
		{"source", `<Initialization  sourceURL = "/i.mp4" range="0-1"/>`, `<Initialization  sourceURL = "` + cdn + `/i.mp4" range="0-1"/>`},
		{"media of something else", `<Label media="/x">/y</Label>`, `<Label media="/x">/y</Label>`},
		{"xlink", `<Period xlink:href="https://b.example/p?a=1&amp;b=2" href="/x"/>`, `<Period xlink:href="` + gatewayAt + `/https/b.example/p?a=1&amp;b=2" href="/x"/>`},
		{"xlink to zero", `<Period xlink:href="urn:mpeg:dash:resolve-to-zero:2013"/>`, `<Period xlink:href="urn:mpeg:dash:resolve-to-zero:2013"/>`},
		{"clock", `<UTCTiming schemeIdUri="urn:mpeg:dash:utc:http-iso:2014" value="https://t.example/a https://t.example/b"/>`, `<UTCTiming schemeIdUri="urn:mpeg:dash:utc:http-iso:2014" value="` + gatewayAt + `/https/t.example/a ` + gatewayAt + `/https/t.example/b"/>`},
		{"direct clock stays", `<UTCTiming schemeIdUri="urn:mpeg:dash:utc:direct:2014" value="2026-01-01T00:00:00Z"/>`, `<UTCTiming schemeIdUri="urn:mpeg:dash:utc:direct:2014" value="2026-01-01T00:00:00Z"/>`},
		{"root below a base elsewhere", `<Period><BaseURL>https://b.example/x/</BaseURL><AdaptationSet><SegmentTemplate media="/y/$Number$"/></AdaptationSet></Period>`,
			`<Period><BaseURL>` + gatewayAt + `/https/b.example/x/</BaseURL><AdaptationSet><SegmentTemplate media="` + gatewayAt + `/https/b.example/y/$Number$"/></AdaptationSet></Period>`},
		{"the first base counts", `<Period><BaseURL>https://b.example/</BaseURL><BaseURL>https://c.example/</BaseURL><SegmentTemplate media="/y"/></Period>`,
			`<Period><BaseURL>` + gatewayAt + `/https/b.example/</BaseURL><BaseURL>` + gatewayAt + `/https/c.example/</BaseURL><SegmentTemplate media="` + gatewayAt + `/https/b.example/y"/></Period>`},
		{"a base ends with its element", `<Period><BaseURL>https://b.example/</BaseURL></Period><Period><SegmentTemplate media="/y"/></Period>`,
			`<Period><BaseURL>` + gatewayAt + `/https/b.example/</BaseURL></Period><Period><SegmentTemplate media="` + cdn + `/y"/></Period>`},
		{"blocked base, root path", `<Period><BaseURL>https://blocked.example/x/</BaseURL><SegmentTemplate media="/y"/></Period>`,
			`<Period><BaseURL>https://blocked.example/x/</BaseURL><SegmentTemplate media="https://blocked.example/y"/></Period>`},
		{"attribute in a comment", `<!-- <BaseURL>/x/</BaseURL> --><a b=">"/>`, `<!-- <BaseURL>/x/</BaseURL> --><a b=">"/>`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			head, tail := "<?xml version=\"1.0\"  encoding='UTF-8'?>\r\n<MPD  type = 'static'>\n", "</MPD>\n"
			got, err := rewriteMPD(testMirror(), splitReference("https://cdn.example/live/stream.mpd"), []byte(head+tc.in+tail))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(head+tc.want+tail, string(got)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestRewriteMPDRefuses(t *testing.T) {
	base := splitReference("https://cdn.example/a.mpd")
	for _, in := range []string{"<MPD", "</MPD>", "<MPD a='", "<MPD>" + strings.Repeat("<a>", maxDepth) + strings.Repeat("</a>", maxDepth) + "</MPD>"} {
		if out, err := rewriteMPD(testMirror(), base, []byte(in)); err == nil {
			t.Errorf("%.20q became %.40q", in, out)
		}
	}
	deep := strings.Repeat("<a>", maxDepth) + strings.Repeat("</a>", maxDepth)
	if out, err := rewriteMPD(testMirror(), base, []byte(deep)); err != nil || string(out) != deep {
		t.Errorf("at the limit: %v", err)
	}
}

func FuzzRewriteMPD(f *testing.F) {
	f.Add([]byte(`<MPD><BaseURL>/x/</BaseURL><Period xlink:href="//a/b"><SegmentTemplate media='/$Number%05d$'/></Period></MPD>`))
	f.Add([]byte(`<MPD><UTCTiming schemeIdUri="urn:mpeg:dash:utc:http-iso:2014" value=" /a  /b "/><Location><![CDATA[/c]]></Location></MPD>`))
	f.Add([]byte("<a b=c d=\"/\"><BaseURL>&#47;</BaseURL></a>"))
	f.Fuzz(func(t *testing.T, in []byte) {
		base := splitReference("https://cdn.example/a.mpd")
		out, err := rewriteMPD(testMirror(), base, in)
		if err != nil {
			return
		}
		// the same elements in the same order
		if a, b := elements(in), elements(out); a != b {
			t.Fatalf("structure changed: %q → %q", in, out)
		}
	})
}

func elements(doc []byte) string {
	var b strings.Builder
	d := xml.NewDecoder(bytes.NewReader(doc))
	d.Strict = false
	for {
		token, err := d.RawToken()
		if err != nil {
			return b.String()
		}
		switch t := token.(type) {
		case xml.StartElement:
			b.WriteString("<" + t.Name.Local)
			for _, a := range t.Attr {
				b.WriteString(" " + a.Name.Local)
			}
		case xml.EndElement:
			b.WriteString("/")
		}
	}
}
