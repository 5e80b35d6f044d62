package signal

import "time"

// MaxWant bounds how many members may be asked for in one message.
const MaxWant = 64

// Want asks for introductions to Count more members.
type Want struct {
	Count  int
	Except []MemberID // members already linked
}

func (*Want) Type() Type { return TypeWant }

func (m *Want) fields(w *fieldWriter) {
	w.integer("count", int64(m.Count))
	w.ids("except", m.Except)
}

func (m *Want) set(name []byte, r *fieldReader) bool {
	switch string(name) {
	case "count":
		m.Count = int(r.integer(0, MaxWant))
	case "except":
		m.Except = r.ids(MaxExcept)
	default:
		return false
	}
	return true
}

// Status is the peer check: sent whenever a link opens or closes, and whenever a
// report is due.
type Status struct {
	Links    int
	MaxLinks int
	Want     int // also ask for introductions, as Want does
	Except   []MemberID
	Place    Place         // as in Join, when it is known only later
	Position time.Duration // where on the presentation's time line a VOD viewer is, 0 unknown or live
	Report   *Report       // nil: none is due
}

// maxPosition bounds Position; about 9 years.
const maxPosition = 1 << 48 * time.Microsecond

func (*Status) Type() Type { return TypeStatus }

func (m *Status) fields(w *fieldWriter) {
	w.integer("links", int64(m.Links))
	w.integer("max_links", int64(m.MaxLinks))
	w.integer("want", int64(m.Want))
	w.ids("except", m.Except)
	w.place("place", m.Place)
	w.span("position", m.Position)
	if m.Report != nil {
		w.name("report")
		w.object(m.Report.fields)
	}
}

func (m *Status) set(name []byte, r *fieldReader) bool {
	switch string(name) {
	case "links":
		m.Links = int(r.integer(0, MaxLinkCount))
	case "max_links":
		m.MaxLinks = int(r.integer(0, MaxLinkCount))
	case "want":
		m.Want = int(r.integer(0, MaxWant))
	case "except":
		m.Except = r.ids(MaxExcept)
	case "place":
		m.Place = r.place()
	case "position":
		m.Position = r.position()
	case "report":
		m.Report = new(Report) // a repeated field replaces
		r.object(m.Report.set)
	default:
		return false
	}
	return true
}

// position reads whole milliseconds of media time.
func (r *fieldReader) position() time.Duration {
	return time.Duration(r.integer(0, maxPosition.Milliseconds())) * time.Millisecond
}
