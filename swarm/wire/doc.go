// Package wire gives the messages between two peers their bytes. PROTOCOL.md in
// the folder above describes them for a second implementation.
//
// A link has two reliable, ordered data channels. Each data channel message is
// one protocol message:
//
//	control (id 0)   type u8 | msgpack array of fields
//	bulk (id 1)      0 u8 | flags u8 | transfer u32 | index u32 | payload ≤ 16384    piece
//	                 1 u8 | msgpack array of fields                                  begin
//	                 2 u8 | msgpack array of fields                                  leaves
//	                 3 u8 | flags u8 | transfer u32 | index u32 | offset u16 |
//	                        [signature 64] | payload                                 tail
//
// Integers outside msgpack are big-endian. Fields are positional, because most
// messages are many short records and names would double them. A later version
// appends fields: whoever does not know them ignores what follows the last one
// it knows, in a message as in every record inside one. No message is longer
// than MaxMessage.
package wire
