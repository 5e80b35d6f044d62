package geoip

import (
	"net/netip"
	"os"
	"path/filepath"
	"testing"

	"github.com/shoal-p2p/shoal/signal"
)

func city(code string, latitude, longitude float64) map[string]any {
	return map[string]any{
		"country":  map[string]any{"iso_code": code},
		"location": map[string]any{"latitude": latitude, "longitude": longitude},
	}
}

func TestLocateMergesFiles(t *testing.T) {
	cities, networks := newMMDB(), newMMDB()
	cities.insert("192.0.2.0/25", city("AT", 48.21, 16.37))
	cities.insert("2001:db8::/32", city("AU", -33.87, 151.21))
	cities.insert("203.0.113.0/24", map[string]any{"country": map[string]any{"iso_code": "DE"}})
	networks.insert("192.0.2.0/24", map[string]any{"autonomous_system_number": uint32(64500)})
	d, err := Open(cities.write(t, "city.mmdb"), networks.write(t, "asn.mmdb"))
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	for _, tt := range []struct {
		address string
		want    signal.Location
	}{
		{"192.0.2.1", signal.Location{Place: signal.PlaceAt(48.21, 16.37), Country: signal.Country{'A', 'T'}, ASN: 64500}},
		{"192.0.2.200", signal.Location{ASN: 64500}},
		{"203.0.113.9", signal.Location{Country: signal.Country{'D', 'E'}}},
		{"2001:db8:1::1", signal.Location{Place: signal.PlaceAt(-33.87, 151.21), Country: signal.Country{'A', 'U'}}},
		{"10.0.0.1", signal.Location{}},
		{"2001:db9::1", signal.Location{}},
	} {
		if got := d.Locate(netip.MustParseAddr(tt.address)); got != tt.want {
			t.Errorf("%s is at %+v, want %+v", tt.address, got, tt.want)
		}
	}
	if got := d.Locate(netip.Addr{}); got != (signal.Location{}) {
		t.Errorf("no address is at %+v", got)
	}
}

func TestOpenRefusesWhatIsNoDatabase(t *testing.T) {
	file := filepath.Join(t.TempDir(), "broken.mmdb")
	good := newMMDB()
	good.insert("192.0.2.0/24", city("AT", 48, 16))
	whole := good.bytes()
	for name, b := range map[string][]byte{
		"empty": nil, "text": []byte("not a database"), "cut": whole[:len(whole)/2],
	} {
		if err := os.WriteFile(file, b, 0o600); err != nil {
			t.Fatal(err)
		}
		if d, err := Open(file); err == nil {
			d.Close()
			t.Errorf("%s: opened", name)
		}
	}
	if _, err := Open(filepath.Join(t.TempDir(), "missing.mmdb")); err == nil {
		t.Error("a file that is not there was opened")
	}
}
