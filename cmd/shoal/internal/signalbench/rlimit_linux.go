package signalbench

import "golang.org/x/sys/unix"

// raiseFileLimit makes room for so many descriptors as far as it may, here and in
// the processes that inherit the limit, and says what the limit is.
func raiseFileLimit(want uint64) (uint64, error) {
	var l unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &l); err != nil {
		return 0, err
	}
	if l.Cur >= want {
		return l.Cur, nil
	}
	raised := unix.Rlimit{Cur: want, Max: max(want, l.Max)}
	if unix.Setrlimit(unix.RLIMIT_NOFILE, &raised) == nil {
		return want, nil
	}
	l.Cur = l.Max // more needs CAP_SYS_RESOURCE
	return l.Cur, unix.Setrlimit(unix.RLIMIT_NOFILE, &l)
}
