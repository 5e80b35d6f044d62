package realnet

import (
	"os"
	"strconv"

	"golang.org/x/sys/unix"
)

// hurry asks for the processor before others, where the system allows it (it allows
// it to root): real time is what is measured here, and tests of other packages run
// at the same time. All of this takes half a core. A nice value would not do: it
// counts within a session only (sched(7), autogroup).
func hurry() {
	tasks, _ := os.ReadDir("/proc/self/task")
	for _, task := range tasks { // threads made later inherit it
		if id, err := strconv.Atoi(task.Name()); err == nil {
			_ = unix.SchedSetAttr(id, &unix.SchedAttr{Size: unix.SizeofSchedAttr, Policy: unix.SCHED_RR, Priority: 1}, 0)
		}
	}
}
