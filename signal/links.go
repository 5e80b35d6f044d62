package signal

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

// Status is the peer check: sent whenever a link opens or closes.
type Status struct {
	Links    int
	MaxLinks int
	Want     int // also ask for introductions, as Want does
	Except   []MemberID
}

func (*Status) Type() Type { return TypeStatus }

func (m *Status) fields(w *fieldWriter) {
	w.integer("links", int64(m.Links))
	w.integer("max_links", int64(m.MaxLinks))
	w.integer("want", int64(m.Want))
	w.ids("except", m.Except)
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
	default:
		return false
	}
	return true
}
