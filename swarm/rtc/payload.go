package rtc

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"unicode/utf8"

	"github.com/tinylib/msgp/msgp"
)

// Limits on a signalling payload.
const (
	maxPayload   = 16 * 1024 // bytes, what a Forward can carry
	maxSDP       = 8 * 1024  // bytes; a data-channel-only description has about 1 KiB
	maxCandidate = 512       // bytes
	maxReason    = 256       // bytes
	maxFields    = 16        // of the map, known ones and those of later versions
	sessionSize  = 16        // hexadecimal digits
)

// kind of a payload.
type kind string

const (
	kindOffer     kind = "offer"
	kindAnswer    kind = "answer"
	kindCandidate kind = "candidate"
	kindBye       kind = "bye"
)

var errPayload = errors.New("rtc: malformed signalling payload")

// payload is what two peers exchange through signalling: a msgpack map with the
// keys kind, session, sdp, candidate, reason. Absent keys are empty, unknown ones
// are skipped. PROTOCOL.md describes it.
type payload struct {
	kind kind
	// session is the offerer's random name for the attempt, so that what belongs
	// to an attempt that lost or timed out is not taken for the present one's.
	session   string
	sdp       string // of an offer or an answer
	candidate string // RFC 8839 §5.1 without "a="
	reason    string // of a bye

	relayed bool // came through a neighbour: not in the bytes
}

func newSession() string {
	var b [sessionSize / 2]byte
	rand.Read(b[:]) // never fails: crypto/rand
	return hex.EncodeToString(b[:])
}

func appendPayload(b []byte, p payload) []byte {
	fields := [...]struct{ name, value string }{
		{"kind", string(p.kind)}, {"session", p.session}, {"sdp", p.sdp}, {"candidate", p.candidate}, {"reason", p.reason},
	}
	n := uint32(0)
	for _, f := range fields {
		if f.value != "" {
			n++
		}
	}
	b = msgp.AppendMapHeader(b, n)
	for _, f := range fields {
		if f.value != "" {
			b = msgp.AppendString(msgp.AppendString(b, f.name), f.value)
		}
	}
	return b
}

func parsePayload(b []byte) (payload, error) {
	var p payload
	if len(b) > maxPayload {
		return p, fmt.Errorf("%w: %d bytes, the limit is %d", errPayload, len(b), maxPayload)
	}
	n, b, err := msgp.ReadMapHeaderBytes(b)
	if err != nil {
		return p, fmt.Errorf("%w: %w", errPayload, err)
	}
	if n > maxFields {
		return p, fmt.Errorf("%w: %d fields, the limit is %d", errPayload, n, maxFields)
	}
	for range n {
		var name []byte
		if name, b, err = msgp.ReadStringZC(b); err != nil {
			return p, fmt.Errorf("%w: field name: %w", errPayload, err)
		}
		switch string(name) {
		case "kind":
			var v string
			v, b, err = readText(b, len(kindCandidate))
			p.kind = kind(v)
		case "session":
			p.session, b, err = readText(b, sessionSize)
		case "sdp":
			p.sdp, b, err = readText(b, maxSDP)
		case "candidate":
			p.candidate, b, err = readText(b, maxCandidate)
		case "reason":
			p.reason, b, err = readText(b, maxReason)
		default:
			b, err = msgp.Skip(b)
		}
		if err != nil {
			return p, fmt.Errorf("%w: field %q: %w", errPayload, name, err)
		}
	}
	return p, p.validate()
}

func (p payload) validate() error {
	switch {
	case len(p.session) != sessionSize:
		return fmt.Errorf("%w: session of %d characters, want %d", errPayload, len(p.session), sessionSize)
	case (p.kind == kindOffer || p.kind == kindAnswer) && p.sdp == "":
		return fmt.Errorf("%w: %s without sdp", errPayload, p.kind)
	case p.kind != kindOffer && p.kind != kindAnswer && p.kind != kindCandidate && p.kind != kindBye:
		return fmt.Errorf("%w: kind %q", errPayload, p.kind)
	}
	return nil
}

func readText(b []byte, limit int) (string, []byte, error) {
	v, rest, err := msgp.ReadStringZC(b)
	switch {
	case err != nil:
		return "", b, err
	case len(v) > limit:
		return "", b, fmt.Errorf("%d bytes, the limit is %d", len(v), limit)
	case !utf8.Valid(v):
		return "", b, errors.New("not UTF-8")
	}
	return string(v), rest, nil
}
