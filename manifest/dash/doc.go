// Package dash reads MPEG-DASH manifests (MPDs, ISO/IEC 23009-1) into the
// neutral timeline model.
//
// The Eyevinn mpd package turns XML into structs; everything that gives those
// structs a meaning is here, in the order in which a document passes through:
//
//	encoding, tidy   bytes that the mpd package accepts, within limits
//	xlink, patch     remote elements put in place, MPD patches applied
//	periods, base,   what applies to one Representation: when its Period plays,
//	inherit          where it is, how its segments are addressed
//	timelines,       its segments as runs of equal duration, never one by one:
//	ladder           a timeline that repeats a segment a billion times is one run
//	template,        a segment's URL and byte range, and back from a URL to the
//	locator, index   segment
//	track            the timeline.Timeline over all that; availability of live
//	                 segments; extrapolation past the end of a SegmentTimeline
//	reader, clock    one stream's documents over time
//	emsg             what segments tell of the MPD (minimumUpdatePeriod 0)
//	copy, copy_write a static MPD of what was fetched of a stream
//
// Times are integers in the Representation's timescale until the last step;
// every addition and multiplication saturates.
//
// # Times
//
// A segment of media time t in a Period that starts at P begins at
//
//	P + (t − presentationTimeOffset) / timescale
//
// on the presentation timeline and, in a live presentation, is there from
//
//	availabilityStartTime + its end − availabilityTimeOffset
//
// to its end + timeShiftBufferDepth (DASH-IF IOP part 4). A segment that straddles
// the far edge of that window is still listed.
package dash
