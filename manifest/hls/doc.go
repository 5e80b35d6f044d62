// Package hls reads HLS playlists (RFC 8216bis) into the timeline model.
//
// A document goes through three hands: the lexer checks it and cleans it up,
// github.com/grafov/m3u8 decodes what is left, and the result is joined with
// the lexer's side table of all that the library lacks (decode.go lists each of
// its defects and where it is worked around). A Reader follows a presentation
// from document to document; Read is a Reader used once.
//
// # Names of tracks
//
// Peers share a segment when they agree on its key, which is track/number. The
// track's name comes from the multivariant playlist and never holds a host, a
// path or a query. Another implementation must compute the same:
//
//	name      = base [ "~" ordinal ]
//	base      = "main"                                          a media playlist opened directly
//	          / "variant@" id / "iframes@" id                   STABLE-VARIANT-ID
//	          / "variant:" bandwidth ":" resolution ":" hash    EXT-X-STREAM-INF
//	          / "iframes:" bandwidth ":" resolution ":" hash    EXT-X-I-FRAME-STREAM-INF
//	          / type "@" id                                     STABLE-RENDITION-ID
//	          / type ":" group ":" name                         EXT-X-MEDIA
//	type      = TYPE in lower case ("audio", "subtitles", "video")
//	bandwidth = BANDWIDTH in decimal without leading zeros, "0" when absent or unreadable; for
//	            EXT-X-STREAM-INF also "0" when all of the playlist have the same (a single one has)
//	resolution= RESOLUTION in lower case, empty when absent
//	hash      = first 4 bytes, in hex, of SHA-224 over these values, joined by LF, as written,
//	            quotes removed, empty when absent:
//	            bandwidth (as above), CODECS, SUPPLEMENTAL-CODECS, resolution (as above),
//	            FRAME-RATE, VIDEO-RANGE, HDCP-LEVEL, REQ-VIDEO-LAYOUT, NAME, VIDEO, muxed
//	muxed     = for EXT-X-STREAM-INF: LANGUAGE "|" NAME of every EXT-X-MEDIA of TYPE=AUDIO in the
//	            variant's AUDIO group that has no URI, in order, joined by TAB; else empty
//
// In id, group, name and resolution, "%" ":" "@" "~" are written %25 %3A %40 %7E,
// so that two different pairs never make one name. A base of more than 120 bytes
// is cut to 111 and "~" and the hash of the whole base are appended. The whole
// name is then escaped by segments.HLSTrack (so ":" and "@" stay, "%" becomes
// "%25", "/" "%2F").
//
// Playlists are named in the order EXT-X-STREAM-INF, EXT-X-MEDIA,
// EXT-X-I-FRAME-STREAM-INF, each in document order; a playlist URL (resolved,
// query included) that has a name keeps it. So two variants that differ in
// their audio group only are one track. When two URLs have the same base,
// they are redundant if the last component of their paths is the same
// too: they share the name (and are two tracks of one key, found by either URL). If it is not, their
// attributes fail to tell them apart, and the n-th different file name of that
// base (n ≥ 2) gets "~n". AVERAGE-BANDWIDTH, SCORE, PATHWAY-ID and the ids of
// audio, subtitle and caption groups are no part of a variant's name: they
// differ between redundant variants and change while a stream lives.
//
// An init segment's key holds a hash of the path of its URL and its range
// (segments.HLSInitKey). Two EXT-X-MAP of one playlist that differ in the query
// only are not shared.
//
// # Time
//
// A presentation starts at zero with the first segment of the first playlist
// seen. A sliding window continues where its segments were in the document
// before; other live tracks are placed by EXT-X-PROGRAM-DATE-TIME. A listed
// segment is available; when it became so, and when the next will, is
// estimated from when the newest media was first seen (edgeClock).
//
// # Prediction
//
// Media sequence numbers go up by one, so keys of coming segments are certain;
// when they come is learnt. Against an origin in virtual time, scored over ten
// minutes with predictions made 2, 6 and 10 seconds ahead (TestPredictions): all
// keys right; |Δ available| at the 95th percentile 4 ms with blocking reload
// and parts, 50 to 85 ms polling an even stream, 1.9 to 2.2 s (of a target of 6 s)
// when segments are uneven. Polls of an even stream go to just after a
// segment appears (follower.align), where a fixed interval would find
// each up to a segment late: half are seen within 0.1 s, with 40 ms of jitter too.
// Against gohlslib's low-latency muxer over loopback for 25 s, made 2 to 3 s ahead:
// 57 predictions, all keys right, |Δ available| 5 ms at the median, 0.3 s at the
// 95th percentile.
//
// An encoder that starts again from a lower media sequence number under the
// same URL reuses keys for other bytes (Reader.Restarted tells, a manifest.Follower
// by an event): a swarm must then be told by statements or by a new swarm id.
//
// # Low latency
//
// Segments lists whole segments, Timeline.Parts the partial ones. Predicted has
// both, parts before their segment; the part that EXT-X-PRELOAD-HINT names has a
// URL, and a Range whose Last is −1 when its end is not known. Segment.GrowsFrom
// of a predicted whole segment is when its first part is there.
//
// # Not shared
//
// EXT-X-GAP segments and parts, keys (Find tells a key's URL apart and says it
// is not shareable), and whatever is not at an http(s) URL. Segments that
// AES-128 encrypts are shared as they are: encrypted bytes.
package hls
