package segments

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// crashChildDir makes the test binary a child that writes into the directory it
// names until it is killed.
const crashChildDir = "SHOAL_SEGMENTS_CRASH_DIR"

const (
	crashLimit = 2 << 20 // bytes on disk, so that evictions happen all the time
	crashKeys  = 60
	crashKills = 15
)

// crashSegment is version v of key n. Its size and bytes depend on both, and
// every third key has the same bytes as the one before, to share contents.
func crashSegment(n, v int) (swarm string, seg *Segment, err error) {
	content := uint64(n*1000 + v)
	if n%3 == 2 {
		content -= 1000
	}
	size := int(content*7919%90_000) + 1
	seg, err = NewSegment(NumberKey("v", uint64(n)), Meta{ContentType: "video/mp4", ETag: strconv.Itoa(v), Shareable: true}, randomBytes(content, size))
	return fmt.Sprint("swarm ", n%2), seg, err
}

// crashChild puts random versions of random keys, deletes some, and prints what
// was put once it is durable.
func crashChild(dir string) {
	fail := func(err error) {
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
	s, err := OpenStore(StoreConfig{MemoryBytes: diskOnly, Dir: dir, DiskBytes: crashLimit})
	fail(err)
	seed, err := strconv.ParseUint(os.Getenv("SHOAL_SEGMENTS_CRASH_SEED"), 10, 64)
	fail(err)
	random := rand.New(rand.NewPCG(seed, 0))
	for {
		n, v := random.IntN(crashKeys), random.IntN(50)
		swarm, seg, err := crashSegment(n, v)
		fail(err)
		if random.IntN(10) == 0 {
			fmt.Println("delete", n, v)
			s.View(swarm).Delete(seg.Key)
			continue
		}
		fmt.Println("begin", n, v)
		fail(s.View(swarm).Put(seg))
		fmt.Println("put", n, v)
	}
}

// TestKillAtAnyMoment kills a writing process again and again, and after each
// time checks every key: whole and true, the last one put before the kill
// included, within the limit, and no file too many.
func TestKillAtAnyMoment(t *testing.T) {
	if testing.Short() {
		t.Skip("starts 15 processes")
	}
	dir := t.TempDir()
	random := rand.New(rand.NewPCG(6, 6))
	for round := range crashKills {
		last := runUntilKilled(t, dir, uint64(round), 1+random.IntN(60), random.IntN(3<<20))

		s, err := OpenStore(StoreConfig{MemoryBytes: diskOnly, Dir: dir, DiskBytes: crashLimit})
		must(t, err)
		if sum := bytesUnder(t, dir); sum > crashLimit || sum != s.Stats().DiskBytes {
			t.Errorf("round %d: %d bytes in files, %d in the ledger, limit %d", round, sum, s.Stats().DiskBytes, int64(crashLimit))
		}
		if temp, err := os.ReadDir(filepath.Join(dir, "temp")); err != nil || len(temp) != 0 {
			t.Errorf("round %d: temporary files %v, %v", round, temp, err)
		}
		total := 0
		for _, swarm := range []string{"swarm 0", "swarm 1"} {
			for _, key := range s.View(swarm).Keys() {
				total++
				got, ok := s.View(swarm).Get(key)
				if !ok {
					t.Errorf("round %d: %s is listed but does not verify", round, key)
					continue
				}
				n, _ := strconv.Atoi(strings.TrimPrefix(string(key), "v/"))
				v, _ := strconv.Atoi(got.Meta.ETag)
				wantSwarm, want, err := crashSegment(n, v)
				must(t, err)
				a, _ := got.Bytes()
				b, _ := want.Bytes()
				if wantSwarm != swarm || !bytes.Equal(a, b) {
					t.Errorf("round %d: %s is not what was put", round, key)
				}
			}
		}
		if st := s.Stats(); st.Corrupt != 0 {
			t.Errorf("round %d: %d corrupt", round, st.Corrupt)
		}
		if last != nil && !s.View(last.swarm).Has(last.key) {
			t.Errorf("round %d: %s was put before the kill and is missing among %d", round, last.key, total)
		}
		must(t, s.Close())
	}
}

// runUntilKilled runs a child, kills it some work after it has printed lines
// lines, and returns the last put that was durable and not touched again.
func runUntilKilled(t *testing.T, dir string, seed uint64, lines, work int) *entryID {
	t.Helper()
	child := exec.Command(os.Args[0])
	child.Env = append(os.Environ(), crashChildDir+"="+dir, fmt.Sprint("SHOAL_SEGMENTS_CRASH_SEED=", seed))
	var stderr bytes.Buffer
	child.Stderr = &stderr
	stdout, err := child.StdoutPipe()
	must(t, err)
	must(t, child.Start())
	in := bufio.NewReader(stdout)
	var last *entryID
	read := func() bool {
		line, err := in.ReadString('\n')
		if err != nil {
			return false // torn or at its end
		}
		var verb string
		var n, v int
		if _, err := fmt.Sscan(line, &verb, &n, &v); err != nil {
			t.Errorf("child says %q", line)
			return false
		}
		if verb == "put" {
			last = &entryID{fmt.Sprint("swarm ", n%2), NumberKey("v", uint64(n))}
		} else if last != nil && last.key == NumberKey("v", uint64(n)) {
			last = nil // being replaced or deleted just now
		}
		return true
	}
	for range lines {
		if !read() {
			break
		}
	}
	LeavesOf(make([]byte, work)) // a delay of random length, up to a few puts
	if err := child.Process.Kill(); err != nil {
		t.Errorf("%v: %s", err, &stderr)
	}
	for read() {
	}
	io.Copy(io.Discard, stdout)
	if err := child.Wait(); err == nil || stderr.Len() > 0 {
		t.Fatalf("the child ended by itself: %v: %s", err, &stderr)
	}
	return last
}
