package rtc

import "errors"

// Why a link did not come up or went down, as Handler.LinkDown tells it.
var (
	ErrTimeout     = errors.New("rtc: the peer did not connect in time")
	ErrUnreachable = errors.New("rtc: no way to signal to the peer")
	ErrRefused     = errors.New("rtc: the peer refused")
	ErrFull        = errors.New("rtc: too many links or attempts")
	ErrBanned      = errors.New("rtc: the peer is banned")
	ErrReplaced    = errors.New("rtc: the peer connected anew")
	ErrLost        = errors.New("rtc: the peer is not heard any more")
	ErrHungUp      = errors.New("rtc: the link was closed by this side")
	ErrPeerClosed  = errors.New("rtc: the link was closed by the peer")
	ErrClosed      = errors.New("rtc: the network is closed")
)

// Errors of Link's Send methods.
var (
	ErrLinkDown  = errors.New("rtc: the link is down")
	ErrQueueFull = errors.New("rtc: too much is queued")
	ErrTooLong   = errors.New("rtc: message is too long")
)
