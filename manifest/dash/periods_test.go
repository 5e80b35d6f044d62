package dash

import (
	"fmt"
	"strings"
	"testing"
)

func TestPeriodPlacement(t *testing.T) {
	for _, c := range []struct{ name, attributes, periods, want string }{
		{"one", `mediaPresentationDuration="PT10S"`, `<Period/>`, "@0:0-10"},
		{"durations", `mediaPresentationDuration="PT30S"`, `<Period id="a" duration="PT10S"/><Period id="b" duration="PT5S"/><Period id="c"/>`, "a:0-10 b:10-15 c:15-30"},
		{"starts", ``, `<Period id="a" start="PT0S"/><Period id="b" start="PT8S" duration="PT2S"/>`, "a:0-8 b:8-10"},
		{"a gap", ``, `<Period id="a" duration="PT5S"/><Period id="b" start="PT8S" duration="PT2S"/>`, "a:0-5 b:8-10"},
		{"an overlap", ``, `<Period id="a" duration="PT9S"/><Period id="b" start="PT8S" duration="PT2S"/>`, "a:0-8 b:8-10"},
		{"open end", `type="dynamic"`, `<Period id="a" start="PT5S"/>`, "a:5-?"},
		{"dynamic without start", `type="dynamic"`, `<Period id="a"/><Period id="b" start="PT9S"/>`, "a:0-9 b:9-?"},
		{"early available", `type="dynamic"`, `<Period id="a" start="PT0S"/><Period id="b"/>`, "a:0-? b:?"},
		{"counted back", `mediaPresentationDuration="PT30S"`, `<Period id="a"/><Period id="b" duration="PT10S"/>`, "a:0-20 b:20-30"},
		{"end before start", `mediaPresentationDuration="PT6S"`, `<Period id="a" start="PT754S"/>`, "a:754-?"},
		{"same start", ``, `<Period start="PT5S"/><Period id="b" start="PT5S"/>`, "@5000:5-? b:5-?"},
		{"same id", `mediaPresentationDuration="PT3S"`, `<Period id="a" duration="PT1S"/><Period id="a" duration="PT1S"/><Period id="a"/>`, "a:0-1 a@1000:1-2 a@2000:2-3"},
	} {
		t.Run(c.name, func(t *testing.T) {
			doc, _ := tidyAndDecode(t, mpdOf(c.attributes, c.periods))
			var got []string
			for _, p := range placePeriods(doc) {
				switch {
				case !p.known:
					got = append(got, p.key+":?")
				case p.end == endOpen:
					got = append(got, fmt.Sprintf("%s:%g-?", p.key, p.start.Seconds()))
				default:
					got = append(got, fmt.Sprintf("%s:%g-%g", p.key, p.start.Seconds(), p.end.Seconds()))
				}
			}
			if s := strings.Join(got, " "); s != c.want {
				t.Errorf("%s, want %s", s, c.want)
			}
		})
	}
}
