package dash

import (
	"bytes"
	"encoding/binary"
	"time"

	"github.com/Eyevinn/mp4ff/mp4"
)

// eventScheme is that of events which tell about the MPD itself (ISO/IEC 23009-1
// §5.10.4.2). Their values 1 (expiry), 2 (with a patch) and 3 (with the new MPD)
// all begin with a publish time.
const eventScheme = "urn:mpeg:dash:event:2012"

const (
	// MaxEventBoxes bounds the top-level boxes of a segment that are looked at:
	// emsg come before the first moof or between the chunks.
	MaxEventBoxes = 4096
	// MaxEventBytes bounds one emsg; larger ones are passed over.
	MaxEventBytes = 64 << 10
)

// Expiry looks for in-band events about the MPD in an ISO BMFF segment: MPDs that
// were published before the time that it returns, the latest of all, are void. ok
// is false when there is none. A segment that is cut off, or none at all, is read
// as far as it goes.
func Expiry(segment []byte) (published time.Time, ok bool) {
	const head = 8
	for range MaxEventBoxes {
		if len(segment) < head {
			return published, ok
		}
		size, name := uint64(binary.BigEndian.Uint32(segment)), string(segment[4:8])
		headLen := uint64(head)
		if size == 1 && len(segment) >= 16 {
			size, headLen = binary.BigEndian.Uint64(segment[8:]), 16
		}
		if size < headLen || size > uint64(len(segment)) {
			return published, ok
		}
		if name == "emsg" && headLen == head && size <= MaxEventBytes {
			if t, told := expiryOf(segment[:size]); told && (!ok || t.After(published)) {
				published, ok = t, true
			}
		}
		segment = segment[size:]
	}
	return published, ok
}

// expiryOf is the one place where mp4ff meets an event of a segment.
func expiryOf(box []byte) (t time.Time, ok bool) {
	defer func() {
		if recover() != nil {
			t, ok = time.Time{}, false
		}
	}()
	decoded, err := mp4.DecodeBox(0, bytes.NewReader(box))
	if err != nil {
		return t, false
	}
	e, isEvent := decoded.(*mp4.EmsgBox)
	if !isEvent || e.SchemeIDURI != eventScheme || e.Value != "1" && e.Value != "2" && e.Value != "3" {
		return t, false
	}
	text, _, _ := bytes.Cut(e.MessageData, []byte{0})
	if t, err = ParseDateTime(string(text)); err != nil {
		return t, false
	}
	return t, true
}
