// Package ice is the STUN and TURN server beside the signalling server: how peers
// learn their own addresses, and how those meet that cannot reach each other, or do
// not want to show each other their addresses.
//
// A member of a swarm gets credentials of its own in Welcome: the user name is
// EXPIRY:MEMBER.SWARM, the password its HMAC-SHA1 under a secret (the TURN REST
// scheme, draft-uberti-behave-turn-rest-00, which coturn speaks, too). So the server
// keeps no list of users, and still knows whose bytes it relays: every member and
// every swarm has a budget, and what exceeds it is dropped.
//
// Nothing is relayed into networks that only this machine can reach: loopback,
// private and link-local addresses and the like, unless the operator allows them.
// The server's own relay address is reachable only at ports that are relays.
package ice
