package geoip

import (
	"encoding/binary"
	"math"
	"net/netip"
	"os"
	"path/filepath"
	"sort"
	"testing"
)

// mmdb writes a database in MaxMind's format 2.0 with 24-bit records, over IPv6
// with IPv4 at ::/96, from the format's public description.
type mmdb struct {
	nodes [][2]int // a child: ≥ 0 another node, -1 nothing, ≤ -2 the data at -(child+2)
	data  []byte
}

func newMMDB() *mmdb { return &mmdb{nodes: [][2]int{{-1, -1}}} }

func (m *mmdb) insert(prefix string, value any) {
	p := netip.MustParsePrefix(prefix)
	at := len(m.data)
	m.data = appendValue(m.data, value)
	bits, bytes := p.Bits(), p.Addr().As16()
	if p.Addr().Is4() {
		bits += 96
		bytes = netip.AddrFrom16(bytes).As16()
		clear(bytes[:12]) // ::a.b.c.d, not ::ffff:a.b.c.d
	}
	node := 0
	for i := range bits {
		bit := bytes[i/8] >> (7 - i%8) & 1
		if i == bits-1 {
			m.nodes[node][bit] = -(at + 2)
			return
		}
		next := m.nodes[node][bit]
		if next < 0 {
			next = len(m.nodes)
			m.nodes[node][bit] = next
			m.nodes = append(m.nodes, [2]int{-1, -1})
		}
		node = next
	}
}

func (m *mmdb) bytes() []byte {
	var b []byte
	n := len(m.nodes)
	for _, children := range m.nodes {
		for _, c := range children {
			switch {
			case c == -1:
				c = n
			case c < -1:
				c = n + 16 + -(c + 2)
			}
			b = append(b, byte(c>>16), byte(c>>8), byte(c))
		}
	}
	b = append(b, make([]byte, 16)...)
	b = append(b, m.data...)
	b = append(b, "\xab\xcd\xefMaxMind.com"...)
	return appendValue(b, map[string]any{
		"node_count": uint32(n), "record_size": uint16(24), "ip_version": uint16(6),
		"database_type": "Test", "languages": []any{"en"}, "build_epoch": uint64(1_700_000_000),
		"binary_format_major_version": uint16(2), "binary_format_minor_version": uint16(0),
		"description": map[string]any{"en": "made by a test"},
	})
}

// write puts the database into a file of the test's.
func (m *mmdb) write(t *testing.T, name string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(file, m.bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// appendValue encodes a value: a control byte of type and size, then the payload.
func appendValue(b []byte, v any) []byte {
	control := func(kind, size int) {
		if kind <= 7 {
			b = append(b, byte(kind<<5|size))
		} else {
			b = append(b, byte(size), byte(kind-7))
		}
	}
	number := func(kind int, v uint64) {
		be := binary.BigEndian.AppendUint64(nil, v)
		for len(be) > 0 && be[0] == 0 {
			be = be[1:]
		}
		control(kind, len(be))
		b = append(b, be...)
	}
	switch v := v.(type) {
	case string: // up to 28 bytes here
		control(2, len(v))
		b = append(b, v...)
	case float64:
		control(3, 8)
		b = binary.BigEndian.AppendUint64(b, math.Float64bits(v))
	case uint16:
		number(5, uint64(v))
	case uint32:
		number(6, uint64(v))
	case uint64:
		number(9, v)
	case map[string]any:
		control(7, len(v))
		var names []string
		for name := range v {
			names = append(names, name)
		}
		sort.Strings(names)
		for _, name := range names {
			b = appendValue(b, name)
			b = appendValue(b, v[name])
		}
	case []any:
		control(11, len(v))
		for _, e := range v {
			b = appendValue(b, e)
		}
	}
	return b
}
