// Package prefetch fills a cache, or a folder of files, with a stream's segments
// ahead of the viewers. What is whole is never fetched again, so a run that was
// interrupted, even killed, goes on where it stopped.
package prefetch
