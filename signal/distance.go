package signal

import (
	"math"
	"time"

	"github.com/shoal-p2p/shoal/signal/vivaldi"
)

// Round trips in milliseconds that are assumed between two members of whom nothing
// was measured yet.
const (
	sameAddressRTT = 1
	sameSubnetRTT  = 3
	sameASNRTT     = 25
	sameCountryRTT = 35
	unknownRTT     = 80
	abroadRTT      = 120
	otherASNRTT    = 10 // on top: another network is entered through an exchange
	// perKilometre is light in fibre there and back, 1/100 ms, over ways half as
	// long again as the great circle.
	perKilometre = 0.015
	nearbyRTT    = 8 // two access lines at the same place
)

// VOD viewers apart by more than a buffer have little to give each other: 30 s
// apart count like 15 ms of round trip, five minutes and more like another
// continent.
const (
	apartCost = 0.5 // ms a second
	apartMost = 300 * time.Second
)

// Distance estimates what it costs two members to exchange segments, in
// milliseconds of round trip:
//
//	d = c·coordinates + (1 − c)·assumed + 0.5·min(|Δposition|, 300 s)
//
// with c the product of the trust in both coordinates. assumed comes from the
// closest thing that both are known to share: the public address, the subnet, a
// place on earth (8 + 0.015 a kilometre), the autonomous system, the country.
func Distance(a, b *Peer) float64 {
	trust := a.Coordinate.Trust() * b.Coordinate.Trust()
	d := (1 - trust) * assumedRTT(a, b)
	if trust > 0 {
		d += trust * vivaldi.Distance(a.Coordinate, b.Coordinate)
	}
	if a.Position > 0 && b.Position > 0 {
		d += apartCost * min((a.Position-b.Position).Abs(), apartMost).Seconds()
	}
	return d
}

func assumedRTT(a, b *Peer) float64 {
	if a.Address.IsValid() && b.Address.IsValid() {
		if household(a.Address) == household(b.Address) {
			return sameAddressRTT
		}
		if subnet(a.Address) == subnet(b.Address) {
			return sameSubnetRTT
		}
	}
	network := 0.0
	if a.ASN != b.ASN {
		network = otherASNRTT
	}
	switch {
	case a.Place.Known() && b.Place.Known():
		return nearbyRTT + network + math.Min(perKilometre*kilometres(a.Place, b.Place), 400)
	case a.ASN != 0 && a.ASN == b.ASN:
		return sameASNRTT
	case a.Country != (Country{}) && a.Country == b.Country:
		return sameCountryRTT + network
	case a.Country != (Country{}) && b.Country != (Country{}):
		return abroadRTT + network
	}
	return unknownRTT
}
