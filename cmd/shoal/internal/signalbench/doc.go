// Package signalbench loads signalling servers and reports what they need: memory
// of idle members, a storm of joins, relayed messages for a second of processor
// time beside npm's bittorrent-tracker in the same run, and whether churn leaves
// anything behind.
//
// The servers are processes of their own, measured through /proc, so that the load
// generator's half is not counted. Everything runs on loopback; members come from
// several addresses 127.0.0.x, because one has too few ports. Figures of CPU time
// and memory hold on a busy machine, rates and latencies do not.
package signalbench
