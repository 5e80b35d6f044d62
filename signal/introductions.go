package signal

// MaxPeers bounds the ids in one Peers message.
const MaxPeers = 64

// MaxMembers bounds the swarm size on the wire.
const MaxMembers = 1 << 31

// Peers introduces members. Who receives it initiates the connections: it sends
// the offers.
type Peers struct{ IDs []MemberID }

func (*Peers) Type() Type              { return TypePeers }
func (m *Peers) fields(w *fieldWriter) { w.ids("ids", m.IDs) }
func (m *Peers) set(name []byte, r *fieldReader) bool {
	if string(name) != "ids" {
		return false
	}
	m.IDs = r.ids(MaxPeers)
	return true
}

// Size tells how many members the swarm has, the receiver included.
type Size struct{ Members int }

func (*Size) Type() Type              { return TypeSize }
func (m *Size) fields(w *fieldWriter) { w.integer("members", int64(m.Members)) }
func (m *Size) set(name []byte, r *fieldReader) bool {
	if string(name) != "members" {
		return false
	}
	m.Members = int(r.integer(0, MaxMembers))
	return true
}

// Gone tells that a member this one was introduced to, or tried to reach, is not
// on the server any more. It is a hint: an open link may well outlive it.
type Gone struct{ ID MemberID }

func (*Gone) Type() Type              { return TypeGone }
func (m *Gone) fields(w *fieldWriter) { w.binary("id", m.ID[:]) }
func (m *Gone) set(name []byte, r *fieldReader) bool {
	if string(name) != "id" {
		return false
	}
	r.exact(m.ID[:])
	return true
}
