//go:build !linux

package socket

import (
	"errors"
	"net"
)

// poller stands for epoll where there is none: a Pool makes none of these, and
// every connection has a goroutine of its own.
type poller struct{}

var errNoPoller = errors.New("socket: no poller on this system")

func newPoller(*Pool) (*poller, error)   { return nil, errNoPoller }
func takeOver(*net.TCPConn) (int, error) { return -1, errNoPoller }
func (*poller) run()                     {}
func (*poller) stop()                    {}
func (*poller) add(*Conn)                {}
func (*poller) schedule(*Conn)           {}
