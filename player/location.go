package player

import (
	"bytes"
	"encoding/xml"
	"net/url"
	"strings"
)

// maxLocationScan bounds the look for Location elements: they come before the
// first Period (ISO/IEC 23009-1 §5.3.1.2), near the top of an MPD.
const maxLocationScan = 64 << 10

// manifestLocations returns the absolute URLs under which an MPD says it will be
// refreshed: Location and PatchLocation (§5.3.9.2, §5.15). Players go there
// next, and the session has to know the stream again.
func manifestLocations(base string, body []byte) []string {
	body = body[:min(len(body), maxLocationScan)]
	if !bytes.Contains(body, []byte("Location")) {
		return nil
	}
	from, err := url.Parse(base)
	if err != nil {
		return nil
	}
	var urls []string
	d := xml.NewDecoder(bytes.NewReader(body))
	inside := false
	for {
		token, err := d.RawToken()
		if err != nil {
			return urls
		}
		switch t := token.(type) {
		case xml.StartElement:
			if t.Name.Local == "Period" {
				return urls
			}
			inside = t.Name.Local == "Location" || t.Name.Local == "PatchLocation"
		case xml.EndElement:
			inside = false
		case xml.CharData:
			if !inside {
				continue
			}
			if u, err := from.Parse(strings.TrimSpace(string(t))); err == nil && u.Host != "" {
				urls = append(urls, u.String())
			}
		}
	}
}
