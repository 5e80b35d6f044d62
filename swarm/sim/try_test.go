package sim

import (
	"fmt"
	"testing"
)

func TestTry(t *testing.T) {
	show := func(name string, c Config) {
		r, err := Run(c)
		fmt.Printf("%-22s offload %.3f/%.3f copies %5.2f dup %5.1f%% start %4.0f/%4.0f plain %4.0f deliv %4.0f/%4.0f/%5.0f stalls %d/%d hops %d causes %v\n", name, r.Offload, r.IdealOffload, r.OriginCopies,
			100*float64(r.DuplicateBytes)/float64(r.ConsumedBytes), r.StartupMS.P50, r.StartupMS.P95, r.StartupPlainMS.P50, r.DeliveryMS.P50, r.DeliveryMS.P95, r.DeliveryMS.Max, r.StallsP2P, r.Stalls, r.MaxHops, r.OriginBytesByCause)
		if err != nil {
			fmt.Println(err)
		}
	}
	fast := []Uplink{{1, 20e6}}
	show("default noseed", Config{})
	show("default seed", Config{Seeds: 1})
	show("told seed", Config{Seeds: 1, UplinkTold: true})
	show("told noseed", Config{UplinkTold: true})
	show("20M seed", Config{Seeds: 1, Uplinks: fast})
	show("20M noseed", Config{Uplinks: fast})
	show("100M loopback", Config{Viewers: 6, Seeds: 1, Uplinks: []Uplink{{1, 400e6}}, Downlink: 1e9, SeedLink: 400e6, RTTMin: 1e6, RTTMax: 1e6, OriginRate: 1e9, OriginRTT: 1e6, Jitter: 1e5})
	show("100M loopback noseed", Config{Viewers: 6, Seeds: 0, Uplinks: []Uplink{{1, 400e6}}, Downlink: 1e9, SeedLink: 400e6, RTTMin: 1e6, RTTMax: 1e6, OriginRate: 1e9, OriginRTT: 1e6, Jitter: 1e5})
	show("2 viewers", Config{Viewers: 2, Seeds: 1, Uplinks: fast})
}
