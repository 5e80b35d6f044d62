// Package arch holds no code, only tests of the house's plan: which room may
// know which, what the pure core must not touch, and what may lie at the root.
package arch
