package signal

import (
	"encoding/binary"
	"errors"
	"math"
)

// Place is a point on the earth in hundredths of a degree, about a kilometre: near
// enough to choose peers, too coarse to find a door. The zero Place is unknown
// (the point itself lies in the Gulf of Guinea).
type Place struct{ Latitude, Longitude int16 }

// placeBytes is the length of a Place on the wire: latitude, longitude, each a
// big-endian two's complement of 16 bits.
const placeBytes = 4

var errPlace = errors.New("a place must lie within ±9000 and ±18000 hundredths of a degree")

// PlaceAt rounds degrees to a Place; anything off the globe is unknown.
func PlaceAt(latitude, longitude float64) Place {
	if !(math.Abs(latitude) <= 90 && math.Abs(longitude) <= 180) { // NaN too
		return Place{}
	}
	return Place{int16(math.Round(latitude * 100)), int16(math.Round(longitude * 100))}
}

// Known says whether p is a place at all.
func (p Place) Known() bool { return p != Place{} }

// Degrees are latitude and longitude.
func (p Place) Degrees() (latitude, longitude float64) {
	return float64(p.Latitude) / 100, float64(p.Longitude) / 100
}

func (w *fieldWriter) place(name string, p Place) {
	if p.Known() {
		b := binary.BigEndian.AppendUint16(nil, uint16(p.Latitude))
		w.binary(name, binary.BigEndian.AppendUint16(b, uint16(p.Longitude)))
	}
}

func (r *fieldReader) place() Place {
	var b [placeBytes]byte
	r.exact(b[:])
	p := Place{int16(binary.BigEndian.Uint16(b[:])), int16(binary.BigEndian.Uint16(b[2:]))}
	if p.Latitude < -9000 || p.Latitude > 9000 || p.Longitude < -18000 || p.Longitude > 18000 {
		r.fail(errPlace)
		return Place{}
	}
	return p
}
