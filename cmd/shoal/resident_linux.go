package main

import (
	"bufio"
	"fmt"
	"os"
	"strings"

	"golang.org/x/sys/unix"
)

// dropOwnPages gives back the pages of the program file that were used so far. The
// kernel maps 16 pages around each one touched, so that a large program counts tens
// of MiB as resident of which it needs few again; those come back from the page
// cache when they are used. Only mappings that nobody can write to are dropped.
func dropOwnPages() {
	self, err := os.Readlink("/proc/self/exe")
	if err != nil {
		return
	}
	maps, err := os.Open("/proc/self/maps")
	if err != nil {
		return
	}
	defer maps.Close()
	for lines := bufio.NewScanner(maps); lines.Scan(); {
		var from, to uintptr
		var mode string
		if n, _ := fmt.Sscanf(lines.Text(), "%x-%x %s", &from, &to, &mode); n != 3 ||
			strings.Contains(mode, "w") || !strings.HasSuffix(lines.Text(), self) {
			continue
		}
		// x/sys takes slices only, and this memory is none of the heap's.
		_, _, _ = unix.Syscall(unix.SYS_MADVISE, from, to-from, unix.MADV_DONTNEED)
	}
}
