// Package socket carries websocket messages over many connections that are idle
// nearly all of the time.
//
// On Linux, plain TCP connections leave Go's network poller: a few goroutines,
// one a processor, wait for all of them with epoll and read each that has
// something into one shared buffer. An idle connection is then a file descriptor
// and a struct; it has no goroutine, no buffer and no runtime timer. Everything a
// round of the poller makes to be sent is written at the end of the round, one
// system call for each receiver. TLS connections and other systems get a
// goroutine each that blocks in Read, and a second one while there is something
// to write.
//
// Nobody ever waits for a receiver: messages queue, the queue is bounded, and a
// Conn that is over the bound reports ErrSlow.
//
// A Handler is called by the goroutine that reads. It must not block: on Linux
// thousands of connections share that goroutine.
package socket
