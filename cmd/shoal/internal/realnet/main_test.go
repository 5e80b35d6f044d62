package realnet

import (
	"flag"
	"os"
	"testing"
)

// wanted says whether real networks are to be built: they take three minutes of the
// machine, so developers ask for them, and CI has them.
func wanted() bool {
	switch os.Getenv("SHOAL_REALNET") {
	case "on":
		return true
	case "off":
		return false
	}
	return os.Getenv("CI") != ""
}

func TestMain(m *testing.M) {
	if wanted() {
		hurry()
		_ = flag.Set("test.parallel", "2") // stories at a time: one takes half a core
	}
	os.Exit(m.Run())
}

func need(t *testing.T) {
	t.Helper()
	if !wanted() {
		t.Skip("SHOAL_REALNET=on runs it")
	}
}
