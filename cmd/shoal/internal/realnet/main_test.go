package realnet

import (
	"fmt"
	"os"
	"testing"
)

func TestMain(m *testing.M) {
	if os.Getenv("CI") == "" && os.Getenv("SHOAL_REALNET") == "" {
		fmt.Println("real networks take two minutes of the machine: SHOAL_REALNET=1 runs them, and CI does")
		return
	}
	hurry()
	os.Exit(m.Run())
}
