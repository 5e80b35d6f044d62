package rtc

import (
	"encoding/binary"
	"errors"
	"runtime"
	"unsafe"

	"golang.org/x/sys/unix"
)

// send hands queued packets to the kernel until the connection is closed.
func (c *offloadConn) send() {
	defer close(c.done)
	var batch packets
	for range c.wake {
		// The writer has just sent its first packet and has more to encrypt. Letting
		// it run makes trains of 12 packets where there would be 1.2 otherwise, and
		// a transfer a quarter faster; on an idle machine it returns at once.
		runtime.Gosched()
		batch = c.take(batch)
		c.flush(batch)
	}
	c.flush(c.take(batch))
}

// take swaps the queue for an empty one.
func (c *offloadConn) take(empty packets) packets {
	c.writing.Lock()
	defer c.writing.Unlock()
	taken := c.out
	c.out = packets{data: empty.data[:0], each: empty.each[:0]}
	c.room.Broadcast()
	return taken
}

// flush sends trains: packets to one address, all of the same length but the
// last, which may be shorter.
func (c *offloadConn) flush(p packets) {
	for len(p.each) > 0 {
		first := p.each[0]
		count, bytes := 1, first.length
		for count < len(p.each) && count < maxTrainPackets && !c.plain.Load() {
			next := p.each[count]
			if next.to != first.to || next.length > first.length || bytes+next.length > maxTrain {
				break
			}
			count, bytes = count+1, bytes+next.length
			if next.length < first.length {
				break
			}
		}
		c.sendTrain(p.data[:bytes], first, count)
		p.data, p.each = p.data[bytes:], p.each[count:]
	}
}

func (c *offloadConn) sendTrain(data []byte, first packet, count int) {
	if count > 1 {
		_, _, err := c.WriteMsgUDPAddrPort(data, segmentControl(first.length), first.to)
		if !errors.Is(err, unix.EIO) && !errors.Is(err, unix.EINVAL) {
			return // sent, or lost
		}
		c.plain.Store(true) // the device cannot make checksums
	}
	for len(data) > 0 {
		n := min(first.length, len(data))
		_, _ = c.WriteToUDPAddrPort(data[:n], first.to)
		data = data[n:]
	}
}

// segmentControl is the control message that asks the kernel to cut a send into
// packets of length bytes.
func segmentControl(length int) []byte {
	oob := make([]byte, unix.CmsgSpace(2))
	h := (*unix.Cmsghdr)(unsafe.Pointer(&oob[0]))
	h.Level, h.Type = unix.IPPROTO_UDP, unix.UDP_SEGMENT
	h.SetLen(unix.CmsgLen(2))
	binary.NativeEndian.PutUint16(oob[unix.CmsgLen(0):], uint16(length))
	return oob
}
