package dash

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// toUTF8 returns an XML document in UTF-8 without byte order mark and without
// an encoding declaration that the mpd package's decoder would refuse. UTF-8 is
// returned as it is; UTF-16 and ISO-8859-1 are converted (XML 1.0 §4.3.3).
func toUTF8(body []byte) ([]byte, error) {
	switch {
	case bytes.HasPrefix(body, []byte("\xef\xbb\xbf")):
		body = body[3:]
	case bytes.HasPrefix(body, []byte("\xff\xfe")):
		body = fromUTF16(body[2:], binary.LittleEndian)
	case bytes.HasPrefix(body, []byte("\xfe\xff")):
		body = fromUTF16(body[2:], binary.BigEndian)
	}
	body = bytes.TrimLeft(body, " \t\r\n")
	if !bytes.HasPrefix(body, []byte("<?xml")) {
		return body, nil
	}
	end := bytes.Index(body, []byte("?>"))
	if end < 0 {
		return nil, fmt.Errorf("dash: line 1: XML declaration without its end: %w", ErrSyntax)
	}
	switch encoding := strings.ToLower(declaredEncoding(body[:end])); encoding {
	case "", "utf-8":
		return body, nil
	case "utf8", "us-ascii", "ascii", "utf-16", "utf-16le", "utf-16be":
		return body[end+2:], nil
	case "iso-8859-1", "latin1", "windows-1252":
		return fromLatin1(body[end+2:]), nil
	default:
		return nil, fmt.Errorf("dash: line 1: encoding %.20q is not UTF-8, UTF-16 or ISO-8859-1: %w", encoding, ErrSyntax)
	}
}

func declaredEncoding(declaration []byte) string {
	_, after, found := bytes.Cut(declaration, []byte("encoding"))
	if !found {
		return ""
	}
	after = bytes.TrimLeft(after, " \t\r\n=")
	if len(after) < 2 {
		return ""
	}
	if i := bytes.IndexByte(after[1:], after[0]); i >= 0 {
		return string(after[1 : 1+i])
	}
	return ""
}

func fromUTF16(b []byte, order binary.ByteOrder) []byte {
	units := make([]uint16, len(b)/2)
	for i := range units {
		units[i] = order.Uint16(b[2*i:])
	}
	return []byte(string(utf16.Decode(units)))
}

func fromLatin1(b []byte) []byte {
	out := make([]byte, 0, len(b)+len(b)/8)
	for _, c := range b {
		out = utf8.AppendRune(out, rune(c))
	}
	return out
}
