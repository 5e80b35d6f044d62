//go:build race

package e2e

// The command is built with the race detector when its tests are.
const raceDetector = true
