package signalbench

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"time"
)

// process is a server under load.
type process struct {
	cmd  *exec.Cmd
	line string // the first line of its output: a server's URL
}

// startTimeout is how long a server may take to print its address.
const startTimeout = 20 * time.Second

// startProcess runs a command that prints one line when it is ready.
func startProcess(ctx context.Context, timeout time.Duration, dir string, args ...string) (*process, error) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Dir = dir
	cmd.Stderr = os.Stderr
	// A server that outlives us would be measured by nobody: it ends with its input.
	if _, err := cmd.StdinPipe(); err != nil {
		return nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", args[0], err)
	}
	p := &process{cmd: cmd}
	line := make(chan string, 1)
	go func() {
		r := bufio.NewReader(out)
		first, _ := r.ReadString('\n')
		line <- strings.TrimSpace(first)
		io.Copy(io.Discard, r)
	}()
	select {
	case p.line = <-line:
	case <-ctx.Done():
	}
	if p.line == "" {
		p.stop()
		return nil, fmt.Errorf("%s did not start", strings.Join(args, " "))
	}
	return p, nil
}

func (p *process) stop() {
	p.cmd.Process.Kill()
	p.cmd.Wait()
}

// memory is the resident set in bytes (proc_pid_status(5), VmRSS).
func (p *process) memory() (int64, error) {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.cmd.Process.Pid))
	if err != nil {
		return 0, fmt.Errorf("resident memory of the server: %w", err)
	}
	for line := range strings.Lines(string(b)) {
		if rest, ok := strings.CutPrefix(line, "VmRSS:"); ok {
			kb, err := strconv.ParseInt(strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(rest), "kB")), 10, 64)
			return kb << 10, err
		}
	}
	return 0, errors.New("no VmRSS in /proc")
}

// clockTicks is the unit of times in /proc, 100 a second on every Linux
// architecture that Go supports.
const clockTicks = 100

// cpu is the processor time used so far (proc_pid_stat(5), utime and stime).
func (p *process) cpu() (time.Duration, error) {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", p.cmd.Process.Pid))
	if err != nil {
		return 0, fmt.Errorf("processor time of the server: %w", err)
	}
	// The second field may hold anything, parentheses included.
	fields := strings.Fields(string(b[strings.LastIndexByte(string(b), ')')+1:]))
	if len(fields) < 13 {
		return 0, errors.New("short /proc/PID/stat")
	}
	var ticks int64
	for _, f := range fields[11:13] {
		n, err := strconv.ParseInt(f, 10, 64)
		if err != nil {
			return 0, err
		}
		ticks += n
	}
	return time.Duration(ticks) * time.Second / clockTicks, nil
}

// metric reads one value from the server's Prometheus page.
func (p *process) metric(name string) (float64, error) {
	resp, err := http.Get("http" + strings.TrimPrefix(p.line, "ws") + "metrics")
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	lines := bufio.NewScanner(resp.Body)
	for lines.Scan() {
		if rest, ok := strings.CutPrefix(lines.Text(), name+" "); ok {
			return strconv.ParseFloat(rest, 64)
		}
	}
	return 0, fmt.Errorf("the server has no metric %s", name)
}
