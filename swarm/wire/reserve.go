package wire

import (
	"github.com/tinylib/msgp/msgp"

	"github.com/shoal-p2p/shoal/swarm"
)

// reserve: [[[key, hops, due ms], …]]

func appendReserve(b []byte, m swarm.Reserve) []byte {
	b = msgp.AppendArrayHeader(b, 1)
	b = msgp.AppendArrayHeader(b, uint32(len(m.Items)))
	for _, r := range m.Items {
		b = msgp.AppendArrayHeader(b, 3)
		b = msgp.AppendString(b, string(r.Key))
		b = appendNumber(b, int64(r.Hops))
		b = appendDuration(b, r.Due)
	}
	return b
}

func parseReserve(f *fields) swarm.Message {
	return swarm.Reserve{Items: list(f, "items", MaxReservations, func(f *fields) swarm.Reservation {
		return inner(f, parseReservation)
	})}
}

func parseReservation(f *fields) swarm.Reservation {
	return swarm.Reservation{
		Key:  f.key("key"),
		Hops: int(f.number("hops", 0, MaxHops)),
		Due:  f.duration("due"),
	}
}
