package frame

import (
	"bytes"
	"errors"
	"strings"
	"testing"
)

type message struct {
	kind Kind
	data string
}

// feed gives a reader the stream in pieces of n bytes.
func feed(stream []byte, n, most int) (all []message, err error) {
	var r Reader
	for len(stream) > 0 {
		k := min(n, len(stream))
		piece := append([]byte(nil), stream[:k]...)
		stream = stream[k:]
		err := r.Feed(piece, most, func(kind Kind, data []byte) error {
			all = append(all, message{kind, string(data)})
			return nil
		})
		for i := range piece { // nothing may lean on the caller's buffer
			piece[i] = 0xee
		}
		if err != nil {
			return all, err
		}
	}
	return all, nil
}

var mask = [4]byte{1, 2, 3, 4}

// fragment is a frame with the FIN bit as given.
func fragment(kind Kind, final bool, data string) []byte {
	b := AppendMasked(nil, kind, mask, []byte(data))
	if !final {
		b[0] &^= finalBit
	}
	return b
}

func TestMessagesComeOutHoweverTheStreamIsCut(t *testing.T) {
	long, longer := strings.Repeat("x", 200), strings.Repeat("y", 70_000)
	var stream []byte
	for _, b := range [][]byte{
		fragment(Binary, true, ""), fragment(Text, true, "hello"), fragment(Binary, true, long),
		fragment(Binary, false, "one "), fragment(Ping, true, "between"), fragment(continuation, false, "two "),
		fragment(continuation, true, "three"), fragment(Binary, true, longer), fragment(Close, true, "\x0f\xa0bye"),
	} {
		stream = append(stream, b...)
	}
	want := []message{{Binary, ""}, {Text, "hello"}, {Binary, long}, {Ping, "between"},
		{Binary, "one two three"}, {Binary, longer}, {Close, "\x0f\xa0bye"}}
	for _, n := range []int{1, 2, 3, 7, 127, 4096, len(stream)} {
		got, err := feed(stream, n, 70_000)
		if err != nil || len(got) != len(want) {
			t.Fatalf("pieces of %d: %d messages, %v", n, len(got), err)
		}
		for i := range want {
			if got[i] != want[i] {
				t.Errorf("pieces of %d: message %d is %d bytes of kind %d", n, i, len(got[i].data), got[i].kind)
			}
		}
	}
}

func TestViolations(t *testing.T) {
	const most = 100
	for _, tc := range []struct {
		name   string
		stream []byte
		want   error
	}{
		{"at the cap", fragment(Binary, true, strings.Repeat("x", most)), nil},
		{"one past", fragment(Binary, true, strings.Repeat("x", most+1)), ErrTooLarge},
		{"one past in fragments", append(fragment(Text, false, strings.Repeat("x", most)), fragment(continuation, true, "x")...), ErrTooLarge},
		{"length of 2⁶³", []byte{0x82, 0xff, 0x80, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4}, ErrTooLarge},
		{"no mask", Append(nil, Binary, []byte("x")), ErrProtocol},
		{"reserved bit", []byte{0xc2, 0x80, 0, 0, 0, 0}, ErrProtocol},
		{"unknown opcode", []byte{0x83, 0x80, 0, 0, 0, 0}, ErrProtocol},
		{"unknown control", []byte{0x8b, 0x80, 0, 0, 0, 0}, ErrProtocol},
		{"continuation first", fragment(continuation, true, "x"), ErrProtocol},
		{"message in a message", append(fragment(Text, false, "x"), fragment(Text, true, "x")...), ErrProtocol},
		{"longest control", fragment(Ping, true, strings.Repeat("x", MaxControl)), nil},
		{"long control", fragment(Ping, true, strings.Repeat("x", MaxControl+1)), ErrProtocol},
		{"fragmented control", fragment(Ping, false, "x"), ErrProtocol},
	} {
		for _, n := range []int{1, len(tc.stream)} {
			if _, err := feed(tc.stream, n, most); !errors.Is(err, tc.want) {
				t.Errorf("%s in pieces of %d: %v, want %v", tc.name, n, err, tc.want)
			}
		}
	}
}

func TestIdleReaderHoldsNothing(t *testing.T) {
	var r Reader
	stream := append(fragment(Binary, false, "one"), fragment(continuation, true, "two")...)
	for _, b := range [][]byte{stream[:5], stream[5:]} {
		if err := r.Feed(b, 100, func(Kind, []byte) error { return nil }); err != nil {
			t.Fatal(err)
		}
	}
	if r.part != nil || r.message != nil || r.kind != 0 {
		t.Errorf("left behind: %+v", r)
	}
}

func TestErrorOfYieldEndsReading(t *testing.T) {
	stop := errors.New("stop")
	var r Reader
	n := 0
	stream := append(fragment(Binary, true, "one"), fragment(Binary, true, "two")...)
	err := r.Feed(stream, 100, func(Kind, []byte) error { n++; return stop })
	if err != stop || n != 1 {
		t.Errorf("%v after %d messages", err, n)
	}
}

func TestCloseCode(t *testing.T) {
	if c := CloseCode([]byte{0x0f, 0xa0}); c != 4000 {
		t.Errorf("code %d", c)
	}
	if c := CloseCode([]byte{1}); c != 1005 {
		t.Errorf("code %d without one", c)
	}
}

// FuzzReader checks that how the stream is cut changes nothing, and that no
// message exceeds the limit.
func FuzzReader(f *testing.F) {
	f.Add(fragment(Binary, true, "hello"), 1)
	f.Add(append(fragment(Text, false, "a"), fragment(continuation, true, "b")...), 3)
	f.Add(append(fragment(Ping, true, "p"), 0x82, 0xfe, 0x01), 2)
	f.Add([]byte{0x82, 0xff, 0, 0, 0, 0, 0, 0, 0, 5, 1, 2, 3, 4, 5, 6, 7, 8, 9}, 4)
	f.Fuzz(func(t *testing.T, stream []byte, n int) {
		const most = 1000
		whole, err := feed(stream, max(len(stream), 1), most)
		cut, errCut := feed(stream, 1+abs(n)%64, most)
		if (err == nil) != (errCut == nil) || len(whole) != len(cut) {
			t.Fatalf("%d messages, %v; cut: %d, %v", len(whole), err, len(cut), errCut)
		}
		for i := range whole {
			if whole[i] != cut[i] || len(whole[i].data) > most {
				t.Fatalf("message %d differs", i)
			}
		}
	})
}

func abs(n int) int {
	if n < 0 {
		return -(n + 1)
	}
	return n
}

func BenchmarkFeed(b *testing.B) {
	one := AppendMasked(nil, Binary, mask, make([]byte, 2048))
	stream := bytes.Repeat(one, 31)
	buf := make([]byte, len(stream))
	b.SetBytes(int64(len(stream)))
	for b.Loop() {
		copy(buf, stream)
		var r Reader
		if err := r.Feed(buf, 4096, func(Kind, []byte) error { return nil }); err != nil {
			b.Fatal(err)
		}
	}
}
