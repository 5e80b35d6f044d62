package node

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/shoal-p2p/shoal/swarm"
)

// Budget bounds what nodes upload in a calendar month, UTC: payload bytes of pieces, of
// all nodes that share it. Once it is spent they answer nobody's wishes any more, and go on
// taking from others and telling what they want.
type Budget struct {
	limit int64
	file  string // "": counted for this process only
	now   func() time.Time

	mu      sync.Mutex
	month   string // 2026-11
	used    int64
	written int64 // of used
}

// budgetStep is how much may be sent and not written down yet: that much, at most, is
// forgotten when the machine loses power.
const budgetStep = 16 << 20

// NewBudget counts up to limit bytes a month in file, which it makes, or only for as long
// as the process runs if file is "". What is in the file and no count of Budget's is an
// error.
func NewBudget(limit int64, file string) (*Budget, error) {
	b := &Budget{limit: limit, file: file, now: time.Now}
	return b, b.read()
}

// read takes up the count of this month.
func (b *Budget) read() error {
	b.month = b.now().UTC().Format("2006-01")
	if b.file == "" {
		return nil
	}
	text, err := os.ReadFile(b.file)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return fmt.Errorf("node: upload budget: %w", err)
	}
	month, count, _ := strings.Cut(strings.TrimSpace(string(text)), " ")
	used, err := strconv.ParseInt(count, 10, 64)
	if _, bad := time.Parse("2006-01", month); bad != nil || err != nil || used < 0 {
		return fmt.Errorf("node: upload budget: %s holds %.40q, want a month and its bytes like \"2026-11 123456\"; remove it to count from nothing", b.file, text)
	}
	if month == b.month {
		b.used, b.written = used, used
	}
	return nil
}

// take counts bytes that leave. An error is of the file; what it counts stays right for
// this process.
func (b *Budget) take(bytes int) error {
	if b == nil {
		return nil
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.turn()
	b.used += int64(bytes)
	if b.used-b.written < budgetStep {
		return nil
	}
	return b.write()
}

// spent says whether nothing more may leave this month.
func (b *Budget) spent() bool { return b != nil && b.Used() >= b.limit }

// Used is what left this month, in bytes.
func (b *Budget) Used() int64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.turn()
	return b.used
}

// turn begins another month when it is there.
func (b *Budget) turn() {
	if month := b.now().UTC().Format("2006-01"); month != b.month {
		b.month, b.used, b.written = month, 0, 0
	}
}

// Flush writes the count down.
func (b *Budget) Flush() error {
	if b == nil {
		return nil
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.write()
}

// write replaces the file, so that a crash leaves the one or the other count.
func (b *Budget) write() error {
	if b.file == "" || b.used == b.written {
		return nil
	}
	b.written = b.used // not tried again before the next step
	f, err := os.CreateTemp(filepath.Dir(b.file), filepath.Base(b.file)+"-*")
	if err != nil {
		return fmt.Errorf("node: upload budget: %w", err)
	}
	_, err = fmt.Fprintf(f, "%s %d\n", b.month, b.used)
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.Rename(f.Name(), b.file)
	}
	if err != nil {
		return fmt.Errorf("node: upload budget: %w", errors.Join(err, os.Remove(f.Name())))
	}
	return nil
}

// obey falls silent when the budget is spent, and speaks again when another month begins.
// Transfers that were begun run to their end.
func (n *Node) obey() {
	spent := n.cfg.Budget.spent()
	if spent == n.silent {
		return
	}
	n.silent = spent
	n.feed(swarm.Condition{Metered: spent || n.cfg.Core.Metered, UploadMax: n.cfg.Core.UploadMax})
	if !spent {
		n.cfg.Log.Info("another month: uploading again")
		return
	}
	n.cfg.Log.Warn("the upload budget of this month is spent: nothing more is sent", "bytes", n.cfg.Budget.Used())
	for peer, tracks := range n.core.Subscribers() {
		for _, track := range tracks {
			m := swarm.Unsubscribe{Track: track}
			n.send(swarm.Send{To: peer, Message: m})
			n.feed(swarm.Received{From: peer, Message: m})
		}
	}
}

// declined answers what asks for bytes while none are sent. A reservation does not ask:
// who else cares for a segment decides whose turn it is to ask the origin.
func (n *Node) declined(from swarm.PeerID, m swarm.Message) bool {
	if !n.silent {
		return false
	}
	var answer swarm.Message
	switch m := m.(type) {
	case swarm.Accept:
		if m.Count == 0 && len(m.Only) == 0 {
			return false // it takes back what it asked for
		}
		answer = swarm.Refuse{Key: m.Key, Reason: swarm.RefusedBusy}
	case swarm.Subscribe:
		answer = swarm.Unsubscribe{Track: m.Track}
	default:
		return false
	}
	n.send(swarm.Send{To: from, Message: answer})
	return true
}
