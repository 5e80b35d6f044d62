package browser

import (
	"os"
	"strconv"
	"testing"

	"golang.org/x/sys/unix"
)

// hurry has the processes that a test starts from here on come first, where the system
// allows it (it allows it to root): what is compared are times of a browser, and tests
// of other packages run beside it. A nice value would not do, as it counts within a
// session only (sched(7), autogroup).
func hurry(t testing.TB) {
	set := func(policy, priority uint32) {
		tasks, _ := os.ReadDir("/proc/self/task")
		for _, task := range tasks { // threads made later inherit it, as processes do
			if id, err := strconv.Atoi(task.Name()); err == nil {
				_ = unix.SchedSetAttr(id, &unix.SchedAttr{Size: unix.SizeofSchedAttr, Policy: policy, Priority: priority}, 0)
			}
		}
	}
	set(unix.SCHED_RR, 1)
	t.Cleanup(func() { set(unix.SCHED_NORMAL, 0) })
}
