package e2e

import (
	"bufio"
	"fmt"
	"net"
	"net/http"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// stopTime is how long a command may take to end after SIGTERM.
const stopTime = 10 * time.Second

// process is a command that runs beside the test.
type process struct {
	name string
	cmd  *exec.Cmd
	said transcript
	done chan struct{} // closed when it has ended
}

// start runs shoal with args until the end of the test.
func start(t *testing.T, args ...string) *process {
	t.Helper()
	bin, err := shoalCommand()
	if err != nil {
		t.Fatal(err)
	}
	return run(t, bin, args...)
}

func run(t *testing.T, bin string, args ...string) *process {
	t.Helper()
	return launch(t, args[0], exec.Command(bin, args...))
}

// launch runs a command until the end of the test.
func launch(t *testing.T, name string, cmd *exec.Cmd) *process {
	t.Helper()
	p := &process{name: name, cmd: cmd, done: make(chan struct{})}
	p.cmd.Stdout, p.cmd.Stderr = &p.said, &p.said
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		defer close(p.done)
		p.cmd.Wait() // how it ended is in ProcessState
	}()
	t.Cleanup(func() {
		p.kill()
		text := p.said.String()
		if t.Failed() {
			const last = 3000
			t.Logf("%s ended with %v and said:\n%s", strings.Join(p.cmd.Args[1:], " "), p.cmd.ProcessState, text[max(0, len(text)-last):])
		}
		for _, word := range []string{"panic:", "fatal error:", "DATA RACE"} {
			if strings.Contains(text, word) {
				t.Errorf("%s: %s\n%s", p.name, word, text)
			}
		}
	})
	return p
}

// kill ends p by SIGKILL: it has no chance to say good-bye.
func (p *process) kill() {
	p.cmd.Process.Kill()
	<-p.done
}

// stop ends p as an operator does and returns its exit code.
func (p *process) stop(t *testing.T) int {
	t.Helper()
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatalf("%s ended by itself: %v", p.name, p.cmd.ProcessState)
	}
	begun := time.Now()
	select {
	case <-p.done:
		t.Logf("%s ended %v after SIGTERM", p.name, time.Since(begun).Round(time.Millisecond))
	case <-time.After(stopTime):
		p.cmd.Process.Signal(syscall.SIGQUIT) // its goroutines go to the log
		<-p.done
		t.Fatalf("%s did not end within %v of SIGTERM", p.name, stopTime)
	}
	return p.cmd.ProcessState.ExitCode()
}

// wait returns p's exit code once it has ended by itself.
func (p *process) wait(t *testing.T, limit time.Duration) int {
	t.Helper()
	select {
	case <-p.done:
	case <-time.After(limit):
		t.Fatalf("%s did not end within %v", p.name, limit)
	}
	return p.cmd.ProcessState.ExitCode()
}

func (p *process) ended() bool {
	select {
	case <-p.done:
		return true
	default:
		return false
	}
}

// says waits until p has written what matches and returns the first group.
func (p *process) says(t *testing.T, pattern string) string {
	t.Helper()
	re := regexp.MustCompile(pattern)
	var found []string
	eventually(t, p.name+" says "+pattern, func() bool {
		found = re.FindStringSubmatch(p.said.String())
		return found != nil || p.ended()
	})
	if found == nil {
		t.Fatalf("%s ended without saying %s", p.name, pattern)
	}
	return found[len(found)-1]
}

// transcript keeps what a process writes.
type transcript struct {
	mu   sync.Mutex
	text []byte
}

func (l *transcript) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.text = append(l.text, b...)
	return len(b), nil
}

func (l *transcript) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return string(l.text)
}

// signalServer runs shoal signal and returns the address for its clients.
func signalServer(t *testing.T, args ...string) (p *process, url string) {
	t.Helper()
	p = start(t, append([]string{"signal", "--listen", "127.0.0.1:0"}, args...)...)
	return p, p.says(t, `url=(ws://\S+)`)
}

// metrics reads the Prometheus metrics of a process that was started with
// --metrics 127.0.0.1:0, summed over labels.
func (p *process) metrics(t *testing.T) map[string]float64 {
	t.Helper()
	all, err := scrape(p.says(t, `msg=metrics url=(\S+)`))
	if err != nil {
		t.Fatalf("%s: %v", p.name, err)
	}
	return all
}

func scrape(url string) (map[string]float64, error) {
	resp, err := http.Get(url)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	all := make(map[string]float64)
	for lines := bufio.NewScanner(resp.Body); lines.Scan(); {
		name, value, ok := strings.Cut(lines.Text(), " ")
		if !ok || strings.HasPrefix(name, "#") {
			continue
		}
		if i := strings.LastIndex(lines.Text(), "} "); i >= 0 { // labels may hold spaces
			value = lines.Text()[i+2:]
		}
		v, err := strconv.ParseFloat(value, 64)
		if err != nil {
			return nil, fmt.Errorf("metric %q: %w", lines.Text(), err)
		}
		name, _, _ = strings.Cut(name, "{")
		all[name] += v
	}
	return all, nil
}

// freePort is for servers of others that cannot choose one themselves.
func freePort(t *testing.T) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}
