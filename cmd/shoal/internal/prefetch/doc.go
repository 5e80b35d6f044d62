// Package prefetch fills a cache, or a folder of files, with a stream's segments
// ahead of the viewers. What is whole is never fetched again, so a run that was
// interrupted, even killed, goes on where it stopped.
//
// A folder ends up as a copy that any static web server can serve: static
// manifests for what was fetched, with relative names. Each segment is a file,
//
//	<track>/<last part of its key>.<extension of its URL>
//
// byte ranges too, which become files of their own. A file gets its name when it
// is whole. Live manifests are written every so often, so that a run that was
// killed leaves something to play.
package prefetch
