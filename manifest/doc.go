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
//	Copy      a Source that remembers what a static copy of the stream needs
//	Compare   whether the viewers of two manifests share, and why not
//
// # What a Follower tells besides
//
// An Update has an Event when the stream ended, began anew (EventRestarted: HLS
// sequence numbers are used again, for other bytes), went back in time or changed
// its format. An MPD with minimumUpdatePeriod 0 announces changes in its segments:
// whoever reads those hands them to Notify, as package player does where
// Presentation.Announces says so. No document stays unasked for longer than
// Options.MaxRefresh.
//
// # Predictions
//
// They are part of every track's timeline: timeline.Timeline.Predicted. Numbered
// DASH segments are arithmetic. A SegmentTimeline is continued with the cycle of
// durations that it ends in, so that audio whose frames do not divide the segment
// duration keeps its exact $Time$. Measured by TestPredictionScore over two and
// a half minutes of number, timeline-number, timeline-time and uneven audio addressing,
// 2, 6 and 10 s ahead: every key right, every time exact. A Period that the MPD does
// not announce yet is foretold to who follows a stream, where the last two that
// ended were of one length and their ids count (see package dash, foretell.go); the
// first refresh that says otherwise takes it back. Where they are irregular it
// cannot be foretold; a refresh that announces one ends the predictions of the
// Period before it.
//
// Against live sources nobody here wrote (livesim2 v1.9.0, gohlslib v2.4.3) and the
// demo's HLS, seven at a time for 40 s on two cores, one video and one audio track
// each (TestPredictionScore in cmd/shoal/internal/e2e): keys right out of those foretold
// or come, and |Δ availability| against a GET every 20 ms (DASH) or the playlist's
// lines (HLS) at the 50th and 95th percentile.
//
//	                     2 s ahead              6 s ahead              10 s ahead
//	number               34/34   10 ms  20 ms   30/30   10 ms  20 ms   26/26   11 ms  20 ms
//	timeline, $Time$     34/34    7 ms  20 ms   30/30    7 ms  20 ms   26/26    7 ms  20 ms
//	timeline, $Number$   34/34    7 ms  20 ms   30/30    6 ms  20 ms   26/26    7 ms  20 ms
//	low latency (ATO)    34/34    7 ms  16 ms   30/30    7 ms  16 ms   26/26    7 ms  16 ms
//	periods of 20 s      34/34   13 ms  20 ms   30/30   13 ms  20 ms   26/26   15 ms  20 ms
//	demo HLS, 2 s        34/34   42 ms 346 ms   30/30   41 ms 345 ms   26/26   74 ms 340 ms
//	LL-HLS, segments     34/34   11 ms  21 ms   30/30   11 ms  22 ms   26/26   12 ms  22 ms
//	LL-HLS, parts      136/136   10 ms  21 ms 120/120   10 ms  22 ms 104/104    9 ms  20 ms
//
// livesim2 names a Period when it begins; two of those of 20 s began in that time.
// On a busy machine keys stay right and times grow, to 0.2 s for DASH.
//
// # Cost
//
// An MPD of 5 × 3,600 S elements is read in 6 ms, 0.07 of what the mpd package
// takes for the same bytes (BenchmarkParseAndTimeline, BenchmarkBareDecode in
// package dash), because S elements never reach it.
//
// The package does no network itself. It asks a Source, which the caller builds
// on whatever HTTP client it uses.
package manifest
