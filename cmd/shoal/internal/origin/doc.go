// Package origin is a web server that behaves like a broadcaster's: it loops a
// bundled clip as a live presentation, and strings it together as a VOD one,
// DASH and HLS over the same segments. The demo and the end-to-end tests stand
// on it, so that neither needs a network.
//
//	/live/manifest.mpd          DASH, $Number$ addressing
//	/live/timeline.mpd          DASH, SegmentTimeline and $Time$ addressing
//	/live/master.m3u8           HLS, multivariant
//	/live/TRACK/index.m3u8      HLS, media playlist
//	/live/TRACK/init.mp4        init segment
//	/live/TRACK/1234.m4s        media segment by number = HLS media sequence number
//	/live/TRACK/t222120000.m4s  the same segment by its decode time
//	/live/time                  UTCTiming, urn:mpeg:dash:utc:http-iso:2014
//	/vod/…                      the same without time, for a static presentation
//
// TRACK is video-0, video-1, video-2 (rising quality), audio-en or audio-de.
//
// The clip is 32 s long: 16 segments of 2 s, and exactly 1500 AAC frames, so
// every track's timeline continues over the loop without drift. Segment n holds
// fragment n mod 16 of the clip with baseMediaDecodeTime and sequence_number
// rewritten for n. Its bytes are therefore unique, and depend on nothing but the
// track and n.
//
// # Availability
//
// Segment n of the live presentation is available from Epoch + (n+1) · 2 s. A
// request before that is answered 404 with Cache-Control: no-store, as DASH-IF
// IOP (v4.3 §4.3.3) expects of an origin; 425 would tell a client more, but most
// real origins do not send it. A segment that has left the window stays until no
// playlist that listed it can still be in use (RFC 8216 §6.2.2: its own duration
// plus that of the longest playlist) and is then answered 410.
package origin
