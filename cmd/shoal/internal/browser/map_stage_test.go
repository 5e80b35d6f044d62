package browser

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/shoal-p2p/shoal/player/web"
	"github.com/shoal-p2p/shoal/signal"
	"github.com/shoal-p2p/shoal/signal/admin"
)

const (
	mapSwarm   = "the match"
	mapMembers = 2000
	mapSeeds   = 3
	// mapReports is how often each member reports: 400 come every second.
	mapReports = 5 * time.Second
)

// mapCities are where members are, with some hundredths of a degree of their own.
var mapCities = [][2]float64{
	{48.21, 16.37}, {52.52, 13.41}, {51.51, -0.13}, {40.71, -74.01}, {34.05, -118.24}, {-23.55, -46.63}, {35.68, 139.69},
	{28.61, 77.21}, {-33.87, 151.21}, {30.04, 31.24}, {-1.29, 36.82}, {19.43, -99.13}, {55.76, 37.62}, {1.35, 103.82},
}

// mapStage is a signalling server with an operator's address, and a swarm of real
// clients that report what they do.
type mapStage struct {
	server *signal.Server
	admin  *httptest.Server
	ids    []string
}

// mapClient is one of them; it has links to four others, of which it reports all.
type mapClient struct {
	up   *atomic.Int32
	once atomic.Bool
}

func (*mapClient) Welcome(signal.Welcome) {}
func (*mapClient) Peers([]string)         {}
func (*mapClient) Relay(string, []byte)   {}
func (*mapClient) Gone(string)            {}
func (*mapClient) Size(int)               {}
func (c *mapClient) Connected(up bool) {
	if up && !c.once.Swap(true) {
		c.up.Add(1)
	}
}

func newMapStage(t *testing.T) *mapStage {
	t.Helper()
	needsBuild(t)
	s := &mapStage{server: signal.NewServer(signal.Config{ReportInterval: mapReports, Names: []string{mapSwarm},
		Limits: signal.Limits{ConnectionsPerAddress: -1, JoinsPerSecondPerAddress: -1, MessagesPerSecondPerAddress: -1, BytesPerSecondPerAddress: -1}})}
	door := httptest.NewServer(s.server)
	mux := http.NewServeMux()
	mux.Handle("/api/", admin.Handler(s.server))
	mux.Handle("/", web.Handler())
	s.admin = httptest.NewServer(mux)
	t.Cleanup(func() {
		s.server.Close()
		door.Close()
		s.admin.CloseClientConnections()
		s.admin.Close()
	})
	secrets := make([][signal.SecretSize]byte, mapMembers)
	ids := make([]signal.MemberID, mapMembers)
	for i := range secrets {
		binary.BigEndian.PutUint64(secrets[i][:], uint64(i+1))
		ids[i] = signal.IDOf(secrets[i])
		s.ids = append(s.ids, ids[i].String())
	}
	var up atomic.Int32
	clients := make([]*signal.Client, mapMembers)
	for i := range clients {
		random := rand.New(rand.NewPCG(uint64(i), 6))
		city := mapCities[i%len(mapCities)]
		began := time.Now()
		c, err := signal.NewClient(signal.ClientConfig{URL: door.URL, Swarm: mapSwarm, Secret: secrets[i], Seed: i < mapSeeds,
			Place:        signal.PlaceAt(city[0]+random.NormFloat64(), city[1]+random.NormFloat64()),
			SyncInterval: time.Hour,
			Report: func() signal.Report {
				seconds := int64(time.Since(began).Seconds()) + 1
				r := signal.Report{Origin: seconds * 10_000 * int64(i%5), FromPeers: seconds * 200_000, Sent: seconds * 200_000, Buffer: 6 * time.Second}
				for _, step := range []int{1, 37, mapMembers - 37, mapMembers - 1} {
					r.Flows = append(r.Flows, signal.Flow{Peer: ids[(i+step)%mapMembers], RTT: 30 * time.Millisecond,
						In: random.Uint32N(200_000), Out: random.Uint32N(200_000)})
				}
				return r
			}}, &mapClient{up: &up})
		if err != nil {
			t.Fatal(err)
		}
		clients[i] = c
	}
	t.Cleanup(func() {
		closed := make(chan struct{})
		for _, c := range clients {
			go func() { c.Close(); closed <- struct{}{} }()
		}
		for range clients {
			<-closed
		}
	})
	eventually(t, fmt.Sprintf("%d members are there", mapMembers), func() bool { return up.Load() == mapMembers })
	eventually(t, "all have reported", func() bool {
		all := s.server.Swarms()
		return len(all) == 1 && all[0].Reporting == mapMembers
	})
	return s
}

// url is the page, of the swarm.
func (s *mapStage) url() string {
	return s.admin.URL + "/map.html?swarm=" + strings.ReplaceAll(signal.Blind(mapSwarm), "+", "%2B")
}
