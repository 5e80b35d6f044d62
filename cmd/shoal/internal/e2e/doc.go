// Package e2e holds the tests of the whole: real processes of the shoal command
// on loopback, real websockets, real WebRTC, streams of our origin and of a
// simulator nobody here wrote, ffmpeg as the player. Each test file is one
// story; what breaks in it is killed with SIGKILL.
//
// The tests need minutes and are left out with -short. Where CI=true a missing
// tool is a failure, elsewhere a reason to skip.
package e2e
