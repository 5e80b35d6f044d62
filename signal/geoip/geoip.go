// Package geoip tells where an address is by databases in MaxMind's format that
// the operator supplies: GeoLite2 or GeoIP2 City, Country and ASN, DB-IP, or any
// other that has their fields. Nothing is looked up over the network.
package geoip

import (
	"errors"
	"fmt"
	"net/netip"

	"github.com/oschwald/maxminddb-golang/v2"

	"github.com/shoal-p2p/shoal/signal"
)

// Database is one or more files; what one does not know another may.
type Database struct{ readers []*maxminddb.Reader }

// Open maps the files into memory and checks them.
func Open(files ...string) (*Database, error) {
	d := new(Database)
	for _, name := range files {
		r, err := maxminddb.Open(name)
		if err == nil {
			d.readers = append(d.readers, r)
			err = r.Verify()
		}
		if err != nil {
			d.Close()
			return nil, fmt.Errorf("geoip: %s: %w (want a file in MaxMind's format, .mmdb)", name, err)
		}
	}
	return d, nil
}

// Close unmaps the files.
func (d *Database) Close() error {
	var errs []error
	for _, r := range d.readers {
		errs = append(errs, r.Close())
	}
	return errors.Join(errs...)
}

// record are the fields used, by MaxMind's names.
type record struct {
	Country struct {
		Code string `maxminddb:"iso_code"`
	} `maxminddb:"country"`
	Location struct {
		Latitude  *float64 `maxminddb:"latitude"`
		Longitude *float64 `maxminddb:"longitude"`
	} `maxminddb:"location"`
	ASN uint32 `maxminddb:"autonomous_system_number"`
}

// Locate says what the files know of an address; private addresses, and records
// that cannot be read, are nowhere.
func (d *Database) Locate(a netip.Addr) signal.Location {
	var at signal.Location
	if !a.IsValid() {
		return at
	}
	for _, r := range d.readers {
		var found record
		if err := r.Lookup(a).Decode(&found); err != nil {
			continue
		}
		if c := found.Country.Code; len(c) == 2 && at.Country == (signal.Country{}) {
			at.Country = signal.Country{c[0], c[1]}
		}
		if l := found.Location; l.Latitude != nil && l.Longitude != nil && !at.Place.Known() {
			at.Place = signal.PlaceAt(*l.Latitude, *l.Longitude)
		}
		if at.ASN == 0 {
			at.ASN = found.ASN
		}
	}
	return at
}
