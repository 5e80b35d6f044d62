// Package manifest says what will play and when: it reads MPEG-DASH and HLS
// manifests into one timeline model (package timeline), follows live ones, and
// names the segments that are coming before they exist.
//
//	Load      one manifest, once, with everything it refers to
//	Follow    a live stream: refreshes on the standard's schedule, keeps the last
//	          good presentation through errors
//	Observer  the same without a request of its own: reads the manifests that a
//	          player fetches through us
//	List      tracks and segments, known and predicted, as JSON
//
// Predictions are part of every track's timeline: timeline.Timeline.Predicted.
//
// The package does no network itself. It asks a Source, which the caller builds
// on whatever HTTP client it uses.
package manifest
