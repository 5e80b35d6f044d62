// Package browser has tests only: the browser client in a real Chromium, driven
// by chromedp, against the demo's origin, a signalling server and Go peers.
//
// They skip where Chromium is missing, and fail there when CI=true. chromium_test.go
// starts the browser and opens tabs, stage_test.go sets up what tabs connect to.
package browser
