package signal

import (
	"math"
	"net/netip"
)

// Country is an ISO 3166-1 alpha-2 code; the zero Country is unknown.
type Country [2]byte

func (c Country) String() string {
	if c == (Country{}) {
		return ""
	}
	return string(c[:])
}

// Location is what an operator's database knows of an address.
type Location struct {
	Place   Place
	Country Country
	ASN     uint32 // number of the autonomous system, 0 unknown
}

// earthRadius in km (mean radius, IUGG).
const earthRadius = 6371

// kilometres is the great-circle distance by the haversine formula:
//
//	hav = sin²(Δφ/2) + cos φ₁ · cos φ₂ · sin²(Δλ/2);  d = 2R · asin √hav
func kilometres(a, b Place) float64 {
	radians := func(hundredths int16) float64 { return float64(hundredths) / 100 * math.Pi / 180 }
	phi1, phi2 := radians(a.Latitude), radians(b.Latitude)
	dPhi := math.Sin((phi2 - phi1) / 2)
	dLambda := math.Sin((radians(b.Longitude) - radians(a.Longitude)) / 2)
	hav := dPhi*dPhi + math.Cos(phi1)*math.Cos(phi2)*dLambda*dLambda
	return 2 * earthRadius * math.Asin(math.Sqrt(min(hav, 1)))
}

// subnet is what is likely to be one site: an IPv4 /24 or an IPv6 /48 (RFC 6177).
func subnet(a netip.Addr) netip.Prefix {
	bits := 24
	if a.Is6() {
		bits = 48
	}
	p, err := a.Prefix(bits)
	if err != nil { // no address
		return netip.Prefix{}
	}
	return p
}
