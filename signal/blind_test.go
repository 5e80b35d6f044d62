package signal

import (
	"strings"
	"testing"
)

func TestBlindedNamesAreWhatIsKept(t *testing.T) {
	const name = "https://tv.example/live.mpd"
	blind := Blind(name)
	if len(blind) != blindLength || strings.Contains(blind, "tv.example") || Blind(blind) != blind {
		t.Errorf("blinded: %q", blind)
	}
	// An unlucky name that only looks blinded is blinded all the same.
	if odd := "~" + strings.Repeat("!", blindLength-1); Blind(odd) == odd {
		t.Error("a name of the same length passed for a blinded one")
	}
	s, url := startServer(t, Config{})
	plain := dialRaw(t, url).join(name, 1)
	hear[*Size](plain)
	joinClient(t, url, name, 2) // sends it blinded
	if got := hear[*Size](plain); got.Members != 2 {
		t.Errorf("the two forms of one name met %d members", got.Members)
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	for kept := range s.swarms {
		if kept != blind {
			t.Errorf("the server keeps %q", kept)
		}
	}
}
