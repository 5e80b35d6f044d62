package tracker

import (
	"bufio"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// rivals is where npm's bittorrent-tracker is installed.
const rivals = "../../player/web/rivals"

// npmScript runs two clients of npm's bittorrent-tracker, unchanged, but for WebRTC:
// their peer connections are stand-ins that make an offer or an answer of some text
// and connect to nobody. It prints one line of JSON for each event. The real thing
// is tested with a page of p2p-media-loader, which has the same client in it.
const npmScript = `
import { register } from 'node:module'
const fake = 'data:text/javascript,' + encodeURIComponent(` + "`" + `
export class RTCSessionDescription { constructor (d) { Object.assign(this, d) } }
export class RTCIceCandidate {}
export class RTCPeerConnection extends EventTarget {
  iceGatheringState = 'complete'; iceConnectionState = 'new'; connectionState = 'new'; signalingState = 'stable'
  createDataChannel () { return { label: '', readyState: 'connecting', close () {}, send () {}, addEventListener () {} } }
  async createOffer () { return { type: 'offer', sdp: 'the offer' } }
  async createAnswer () { return { type: 'answer', sdp: 'the answer' } }
  async setLocalDescription (d) { this.localDescription = d; setTimeout(() => this.onicecandidate?.({ candidate: null })) }
  async setRemoteDescription (d) { this.remoteDescription = d }
  async addIceCandidate () {}
  async getStats () { return [] }
  getReceivers () { return [] } getSenders () { return [] }
  close () {}
}
export default { RTCPeerConnection, RTCSessionDescription, RTCIceCandidate }
` + "`" + `)
register('data:text/javascript,' + encodeURIComponent(
  'export const resolve = (name, context, next) => name === "webrtc-polyfill" ? { url: ' + JSON.stringify(fake) + ', shortCircuit: true } : next(name, context)'))
const { default: Client } = await import('bittorrent-tracker')
const [url] = process.argv.slice(-1)
const say = (who, event, data = {}) => console.log(JSON.stringify({ who, event, ...data }))
const make = (who, id, port) => {
  const client = new Client({ infoHash: 'ff00c3a9e1b2d3c4a5968778695a4b3c2d1e0f80', peerId: Buffer.from(id), announce: [url], port })
  client.on('error', e => say(who, 'error', { message: e.message }))
  client.on('warning', e => say(who, 'warning', { message: e.message }))
  client.on('update', d => say(who, 'update', { complete: d.complete, incomplete: d.incomplete }))
  client.on('scrape', d => say(who, 'scrape', { complete: d.complete, incomplete: d.incomplete }))
  client.on('peer', p => say(who, 'peer', { id: Buffer.from(p.id, 'hex').toString() }))
  return client
}
const a = make('a', '-WW0001-aaaaaaaaaaaa', 6881)
a.once('update', () => {
  const b = make('b', '-WW0001-bbbbbbbbbbbb', 6882)
  b.start({ left: 0 })
  b.once('update', () => b.scrape())
  b.once('scrape', () => a.complete())
})
a.start({ left: 100 })
process.stdin.on('end', () => process.exit(0)).resume()
`

// event is a line of the script.
type npmEvent struct {
	Who, Event, Message, ID string
	Complete, Incomplete    int
}

func TestNpmClient(t *testing.T) {
	if _, err := os.Stat(filepath.Join(rivals, "node_modules", "bittorrent-tracker")); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatalf("CI must have it: %v", err)
		}
		t.Skipf("run 'npm ci --ignore-scripts' in player/web/rivals: %v", err)
	}
	tr, url := start(t, Config{})
	node := exec.Command("node", "--input-type=module", "-e", npmScript, url)
	node.Dir, node.Stderr = rivals, os.Stderr
	in, err := node.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := node.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := node.Start(); err != nil {
		t.Fatal(err)
	}
	// Whatever happens, it ends.
	giveUp := time.AfterFunc(6*patience, func() { node.Process.Kill() })
	defer func() { giveUp.Stop(); in.Close(); node.Wait() }()

	// What must come, in any order.
	want := map[npmEvent]bool{
		{Who: "a", Event: "update", Incomplete: 1}:              true, // alone
		{Who: "b", Event: "update", Complete: 1, Incomplete: 1}: true,
		{Who: "b", Event: "scrape", Complete: 1, Incomplete: 1}: true,
		{Who: "a", Event: "peer", ID: "-WW0001-bbbbbbbbbbbb"}:   true, // b's offer
		{Who: "b", Event: "peer", ID: "-WW0001-aaaaaaaaaaaa"}:   true, // a's answer
		{Who: "a", Event: "update", Complete: 2}:                true, // after complete()
	}
	lines := bufio.NewScanner(out)
	for len(want) > 0 && lines.Scan() {
		var e npmEvent
		if err := json.Unmarshal(lines.Bytes(), &e); err != nil {
			t.Fatalf("%q: %v", lines.Text(), err)
		}
		if e.Event == "error" || e.Event == "warning" {
			t.Errorf("%s: %s: %s", e.Who, e.Event, e.Message)
		}
		delete(want, e)
	}
	if len(want) > 0 {
		t.Errorf("never came: %+v", want)
	}
	if s := tr.Stats(); s.Torrents != 1 || s.PeersAll < 1 {
		t.Errorf("stats: %+v", s)
	}
}
