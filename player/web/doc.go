// Package web embeds what the browser gets: the demo's status page, written in
// TypeScript beside this file and bundled into dist by
//
//	go generate ./...
//
// which needs node and npm. dist is not committed, so a fresh clone compiles
// without it; Handler then says what to run.
package web

//go:generate node generate.mjs
