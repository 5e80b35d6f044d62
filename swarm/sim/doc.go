// Package sim runs the brain of package swarm for many peers in virtual time.
package sim
