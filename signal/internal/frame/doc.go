// Package frame cuts a byte stream into websocket messages and builds frames, as
// the server's side of RFC 6455 §5 and without any input or output of its own.
//
// The server reads tens of thousands of connections through a few shared
// buffers, so its frame reader must be able to stop at any byte and go on when
// more have come. A reader that blocks inside a frame, as that of
// gorilla/websocket, costs a goroutine and a buffer for every connection. The
// handshake is still gorilla's.
package frame
