// Package chart draws what a simulated swarm did, as one picture of four panels:
//
//	offload over time            how long segments took, by the peers they came through
//	what left the origin         how much of their uplinks viewers gave
//
// It is a package of its own so that those who only run simulations need no
// drawing library.
package chart
