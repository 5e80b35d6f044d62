package wire

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Whatever parses keeps to the limits, so what we encode of it parses to the
// same: Parse ∘ Append ∘ Parse = Parse.

func FuzzParse(f *testing.F) {
	for _, s := range samples {
		if channel, b := encodeSample(s.m); channel == "control" {
			f.Add(b)
		}
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := Parse(b)
		if err != nil {
			return
		}
		again, err := Parse(Append(nil, m))
		if err != nil {
			t.Fatalf("%+v was received but cannot be sent: %v", m, err)
		}
		if diff := cmp.Diff(m, again); diff != "" {
			t.Fatalf("(-first +second):\n%s", diff)
		}
		for _, part := range Split(m) {
			if _, err := Parse(Append(nil, part)); err != nil {
				t.Fatalf("a part of %+v does not parse: %v", m, err)
			}
		}
	})
}

func FuzzParseBulk(f *testing.F) {
	for _, s := range samples {
		if channel, b := encodeSample(s.m); channel == "bulk" {
			f.Add(b)
		}
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		frame, err := ParseBulk(b)
		if err != nil {
			return
		}
		again, err := ParseBulk(appendBulk(nil, frame))
		if err != nil {
			t.Fatalf("%+v was received but cannot be sent: %v", frame, err)
		}
		if diff := cmp.Diff(frame, again); diff != "" {
			t.Fatalf("(-first +second):\n%s", diff)
		}
	})
}
