//go:build !linux

package rtc

import "github.com/pion/transport/v4"

// offload returns conn as it is: this system has no segmentation offload for UDP.
func offload(conn transport.UDPConn) transport.UDPConn { return conn }
