package player

import (
	"bytes"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const gatewayAt = "http://127.0.0.1:8123"

func testMirror() mirror {
	return mirror{prefix: gatewayAt, allowed: func(_, host string) bool { return host != "blocked.example" }}
}

var testBase = splitReference("https://cdn.example/live/main/stream.m3u8?token=1")

func TestRewriteHLS(t *testing.T) {
	const cdn = gatewayAt + "/https/cdn.example"
	for _, tc := range []struct{ name, in, want string }{
		{"relative stays", "seg1.ts", "seg1.ts"},
		{"up stays", "../audio/seg1.ts", "../audio/seg1.ts"},
		{"query stays", "seg.ts?a=/x&b=http://y", "seg.ts?a=/x&b=http://y"},
		{"absolute", "https://other.example:8443/a/b.ts?t=1#f", gatewayAt + "/https/other.example:8443/a/b.ts?t=1#f"},
		{"scheme in capitals", "HTTPS://cdn.example/b.ts", cdn + "/b.ts"},
		{"no path", "https://cdn.example?x", cdn + "/?x"},
		{"root", "/v/b.ts", cdn + "/v/b.ts"},
		{"same scheme", "//other.example/b.ts", gatewayAt + "/https/other.example/b.ts"},
		{"climbs out", "../../../../b.ts", cdn + "/b.ts"},
		{"reaches the root only", "../../b.ts", "../../b.ts"},
		{"encoding stays", "/a%2Fb%20c/ü.ts", cdn + "/a%2Fb%20c/ü.ts"},
		{"blocked host stays", "https://blocked.example/b.ts", "https://blocked.example/b.ts"},
		{"user stays", "https://me:pw@cdn.example/b.ts", "https://me:pw@cdn.example/b.ts"},
		{"data stays", "data:text/plain,x", "data:text/plain,x"},
		{"colon in a relative path", "a:b/c.ts", "a:b/c.ts"},
		{"CRLF and blanks", "/b.ts \r", cdn + "/b.ts \r"},
		{"map", `#EXT-X-MAP:URI="/init.mp4",BYTERANGE="800@0"`, `#EXT-X-MAP:URI="` + cdn + `/init.mp4",BYTERANGE="800@0"`},
		{"key", `#EXT-X-KEY:METHOD=AES-128,URI="https://keys.example/k?id=1,2",IV=0x1`, `#EXT-X-KEY:METHOD=AES-128,URI="` + gatewayAt + `/https/keys.example/k?id=1,2",IV=0x1`},
		{"fairplay key stays", `#EXT-X-KEY:METHOD=SAMPLE-AES,URI="skd://id",KEYFORMAT="com.apple"`, `#EXT-X-KEY:METHOD=SAMPLE-AES,URI="skd://id",KEYFORMAT="com.apple"`},
		{"media", `#EXT-X-MEDIA:TYPE=AUDIO,NAME="a,URI=x",URI="/a.m3u8"`, `#EXT-X-MEDIA:TYPE=AUDIO,NAME="a,URI=x",URI="` + cdn + `/a.m3u8"`},
		{"part", `#EXT-X-PART:DURATION=0.5,URI="//cdn.example/p.mp4",INDEPENDENT=YES`, `#EXT-X-PART:DURATION=0.5,URI="` + cdn + `/p.mp4",INDEPENDENT=YES`},
		{"steering", `#EXT-X-CONTENT-STEERING:SERVER-URI="/steer",PATHWAY-ID="A"`, `#EXT-X-CONTENT-STEERING:SERVER-URI="` + cdn + `/steer",PATHWAY-ID="A"`},
		{"other attributes stay", `#EXT-X-SESSION-DATA:DATA-ID="x",VALUE="https://cdn.example/"`, `#EXT-X-SESSION-DATA:DATA-ID="x",VALUE="https://cdn.example/"`},
		{"comment stays", "# https://cdn.example/", "# https://cdn.example/"},
		{"extinf stays", `#EXTINF:4.0,title="https://cdn.example/"`, `#EXTINF:4.0,title="https://cdn.example/"`},
		{"open quote stays", `#EXT-X-MAP:URI="/init.mp4`, `#EXT-X-MAP:URI="/init.mp4`},
		{"variable, relative", "{$dir}/b.ts", "{$dir}/b.ts"},
		{"variable, absolute", "{$cdn}/b.ts", gatewayAt + "/https/far.example/v/b.ts"},
		{"variable of the query", "/{$q}/b.ts", cdn + "/x/b.ts"},
		{"imported variable", "{$imported}b.ts", gatewayAt + "/https/up.example/b.ts"},
		{"unknown variable stays", "https://{$nobody}/b.ts", "https://{$nobody}/b.ts"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			head := "\ufeff#EXTM3U\r\n#EXT-X-DEFINE:NAME=\"host\",VALUE=\"far.example\"\n#EXT-X-DEFINE:NAME=\"cdn\",VALUE=\"https://{$host}/v\"\n" +
				"#EXT-X-DEFINE:NAME=\"dir\",VALUE=\"sub\"\n#EXT-X-DEFINE:QUERYPARAM=\"q\"\n#EXT-X-DEFINE:IMPORT=\"imported\"\n"
			base := testBase
			base.rest = "?q=x"
			got, _ := rewriteHLS(testMirror(), base, []byte(head+tc.in+"\n#end"), map[string]string{"imported": "https://up.example/"})
			if diff := cmp.Diff(head+tc.want+"\n#end", string(got)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestRewriteHLSReturnsDefinitions(t *testing.T) {
	var b strings.Builder
	b.WriteString("#EXTM3U\n")
	for i := range maxVariables + 1 {
		b.WriteString("#EXT-X-DEFINE:NAME=\"n" + strings.Repeat("x", i) + "\",VALUE=\"v\"\n")
	}
	_, defined := rewriteHLS(testMirror(), testBase, []byte(b.String()), nil)
	if len(defined) != maxVariables {
		t.Errorf("%d variables, the limit is %d", len(defined), maxVariables)
	}
	// each definition doubles the one before it
	b.Reset()
	b.WriteString("#EXT-X-DEFINE:NAME=\"0\",VALUE=\"xxxxxxxxxxxxxxxx\"\n")
	for i := 1; i < 60; i++ {
		p := "{$" + string(rune('0'+i-1)) + "}"
		b.WriteString("#EXT-X-DEFINE:NAME=\"" + string(rune('0'+i)) + "\",VALUE=\"" + p + p + "\"\n")
	}
	_, defined = rewriteHLS(testMirror(), testBase, []byte(b.String()), nil)
	for name, value := range defined {
		if len(value) > maxFilled {
			t.Errorf("variable %q has %d bytes, the limit is %d", name, len(value), maxFilled)
		}
	}
}

func FuzzRewriteHLS(f *testing.F) {
	f.Add([]byte("#EXTM3U\n#EXT-X-MAP:URI=\"/i\"\nhttps://a.example/b\n../../../c\n"))
	f.Add([]byte("#EXT-X-DEFINE:NAME=\"a\",VALUE=\"//h\"\n{$a}/x\n"))
	f.Add([]byte("#EXT-X-KEY:URI=\"\n\"\r\n\xff\xfe/\n"))
	f.Fuzz(func(t *testing.T, in []byte) {
		out, _ := rewriteHLS(testMirror(), testBase, in, nil)
		if bytes.Count(out, []byte{'\n'}) != bytes.Count(in, []byte{'\n'}) {
			t.Fatalf("line count changed: %q → %q", in, out)
		}
		// what was rewritten is final: the gateway's own URLs are not touched
		own := mirror{prefix: gatewayAt, allowed: func(_, host string) bool { return host != "127.0.0.1:8123" }}
		if bytes.Contains(in, []byte("{$")) {
			return
		}
		once, _ := rewriteHLS(own, testBase, in, nil)
		twice, _ := rewriteHLS(own, testBase, once, nil)
		if !bytes.Equal(once, twice) {
			t.Fatalf("not stable: %q → %q → %q", in, once, twice)
		}
	})
}
