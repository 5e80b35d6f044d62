package signal

import (
	"strings"
	"testing"
)

func TestMembersGetICEServersOfTheirOwn(t *testing.T) {
	own := func(id MemberID, swarm, host string) (all []ICEServer) {
		for range MaxICEServers {
			all = append(all, ICEServer{URLs: []string{"turn:" + host}, Username: id.String(), Credential: swarm})
		}
		return all
	}
	_, url := startServer(t, Config{ICEServers: []ICEServer{{URLs: []string{"stun:common"}}}, ICE: own})
	host, _, _ := strings.Cut(strings.TrimPrefix(url, "http://"), ":")
	for n := range 2 {
		r := dialRaw(t, url)
		r.say(&Join{Version: Version, Swarm: "swarm", Secret: secretOf(n)})
		got := hear[*Welcome](r).ICEServers
		if len(got) != MaxICEServers {
			t.Fatalf("%d servers announced, want %d at most", len(got), MaxICEServers)
		}
		if got[0].URLs[0] != "stun:common" {
			t.Errorf("the servers of all are not first: %+v", got[0])
		}
		if s := got[1]; s.URLs[0] != "turn:"+host || s.Username != IDOf(secretOf(n)).String() || s.Credential != Blind("swarm") {
			t.Errorf("member %d was told %+v", n, s)
		}
	}
}
