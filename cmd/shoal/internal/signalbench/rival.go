package signalbench

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/gorilla/websocket"
)

// rivalScript runs npm's bittorrent-tracker as a websocket tracker and nothing
// else: no UDP, no statistics.
const rivalScript = `
import Server from 'bittorrent-tracker/server'
const server = new Server({ udp: false, http: true, ws: true, stats: false })
server.on('error', err => { console.error(err.message); process.exit(1) })
server.on('warning', () => {})
server.listen(0, '127.0.0.1', () => console.log('ws://127.0.0.1:' + server.http.address().port + '/'))
process.stdin.on('end', () => process.exit(0)).resume()
`

// rival starts the npm tracker from the folder that has it installed.
func (b *Bench) rival(ctx context.Context) (*process, error) {
	if _, err := os.Stat(filepath.Join(b.Rivals, "node_modules", "bittorrent-tracker")); err != nil {
		return nil, fmt.Errorf("the rival is not installed: %w (run 'npm ci --ignore-scripts' in %s, or leave it out with --rival '')", err, b.Rivals)
	}
	return startProcess(ctx, startTimeout, b.Rivals, "node", "--input-type=module", "-e", rivalScript)
}

// stampDigits is the width of a stamp in a text message.
const stampDigits = 19

// rivalPair announces two peers in a swarm of their own. Its messages do the same
// work as Shoal's: one in, one out to the other, of the same size. With answers only
// both ends send answers; otherwise the first sends offers, as clients do, each of
// which the tracker also acknowledges.
func rivalPair(ctx context.Context, url string, n int, answersOnly bool) (pair, error) {
	var p pair
	infoHash := fmt.Sprintf("swarm%015d", n)
	id := func(end int) string { return fmt.Sprintf("peer%d%015d", end, n) }
	for end := range p {
		conn, _, err := dialer(n).DialContext(ctx, url, nil)
		if err != nil {
			return p, fmt.Errorf("connect to the rival: %w", err)
		}
		hello := map[string]any{"action": "announce", "info_hash": infoHash, "peer_id": id(end), "event": "started",
			"left": 1, "numwant": 0, "offers": []any{}}
		conn.SetReadDeadline(time.Now().Add(dialTimeout))
		err = conn.WriteJSON(hello)
		if err == nil {
			_, _, err = conn.ReadMessage()
		}
		conn.SetReadDeadline(time.Time{})
		if err != nil {
			return p, fmt.Errorf("announce to the rival: %w", err)
		}
		build := func(sdp string) []byte {
			m := map[string]any{"action": "announce", "info_hash": infoHash, "peer_id": id(end), "left": 1}
			if end == 0 && !answersOnly {
				m["numwant"] = 1
				m["offers"] = []any{map[string]any{"offer": map[string]string{"type": "offer", "sdp": sdp}, "offer_id": "01234567890123456789"}}
			} else {
				m["answer"] = map[string]string{"type": "answer", "sdp": sdp}
				m["offer_id"], m["to_peer_id"] = "01234567890123456789", id(1-end)
			}
			b, _ := json.Marshal(m) // strings only
			return b
		}
		mark := "stamp" + strings.Repeat("0", stampDigits)
		message := build(mark + strings.Repeat("x", messageBytes-len(build(mark))))
		at := strings.Index(string(message), mark) + len("stamp")
		p[end] = &talker{conn: conn, kind: websocket.TextMessage, message: message,
			stamp: func(m []byte, stamp int64) {
				copy(m[at:at+stampDigits], fmt.Sprintf("%0*d", stampDigits, stamp))
			},
			read: readStamp}
	}
	return p, nil
}

func readStamp(m []byte) (int64, bool) {
	_, rest, ok := strings.Cut(string(m[:min(len(m), 256)]), "stamp")
	if !ok || len(rest) < stampDigits {
		return 0, false
	}
	n, err := strconv.ParseInt(rest[:stampDigits], 10, 64)
	return n, err == nil
}
