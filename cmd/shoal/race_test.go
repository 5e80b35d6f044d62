//go:build race

package main

const raceDetector = true // which multiplies time and memory
