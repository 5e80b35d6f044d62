package wire

import (
	"slices"

	"github.com/shoal-p2p/shoal/swarm"
)

// recordOverhead is what msgpack adds to the key of the largest record: array
// header 1, string header 3, two numbers of up to 5 bytes.
const recordOverhead = 14

// splitBytes leaves room for the headers of the message around its records.
const splitBytes = MaxMessage - 64

// Split cuts m into messages that each keep to the limits, in order. Most
// messages come back alone.
func Split(m swarm.Message) []swarm.Message {
	switch m := m.(type) {
	case swarm.Reserve:
		return split(m.Items, MaxReservations,
			func(r swarm.Reservation) (int, int) { return len(r.Key) + recordOverhead, 0 },
			func(part []swarm.Reservation) swarm.Message { return swarm.Reserve{Items: part} })
	case swarm.Release:
		return split(m.Keys, MaxReleased,
			func(k swarm.Key) (int, int) { return len(k) + recordOverhead, 0 },
			func(part []swarm.Key) swarm.Message { return swarm.Release{Keys: part} })
	case swarm.Have:
		return splitHave(m)
	case swarm.Peers:
		return split(m.IDs, MaxPeers,
			func(swarm.PeerID) (int, int) { return PeerIDLength + recordOverhead, 0 },
			func(part []swarm.PeerID) swarm.Message { return swarm.Peers{IDs: part} })
	}
	return []swarm.Message{m}
}

// splitHave tells losses before gains, so that a key in both ends up held.
func splitHave(m swarm.Have) []swarm.Message {
	cost := func(r swarm.Run) (int, int) { return len(r.Key) + recordOverhead, r.Count }
	lost := split(m.Lost, MaxRuns, cost, func(part []swarm.Run) swarm.Message { return swarm.Have{Lost: part} })
	gained := split(m.Gained, MaxRuns, cost, func(part []swarm.Run) swarm.Message { return swarm.Have{Gained: part} })
	if len(lost) == 1 && len(gained) == 1 {
		if b := Append(nil, m); len(b) <= MaxMessage {
			if _, err := Parse(b); err == nil {
				return []swarm.Message{m}
			}
		}
	}
	return slices.Concat(lost, gained)
}

// split packs items greedily: up to limit of them, splitBytes of encoding and
// MaxRunSegments segments a message.
func split[T any](items []T, limit int, cost func(T) (bytes, keys int), message func([]T) swarm.Message) []swarm.Message {
	var out []swarm.Message
	for len(items) > 0 {
		n, bytes, keys := 0, 0, 0
		for ; n < min(limit, len(items)); n++ {
			b, k := cost(items[n])
			if n > 0 && (bytes+b > splitBytes || keys+k > MaxRunSegments) {
				break
			}
			bytes, keys = bytes+b, keys+k
		}
		out = append(out, message(items[:n:n]))
		items = items[n:]
	}
	return out
}
