//go:build linux

package process

import (
	"bufio"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// family starts a shell with a child in its group and one that moved to a group of its own, as Spark's Python daemon
// does, and returns the command and the children's ids.
func family(t *testing.T, ctx context.Context) (*exec.Cmd, []int) {
	t.Helper()
	// Job control (set -m) gives each background job a group of its own within the session.
	cmd := exec.CommandContext(ctx, "bash", "-c", `sleep 1000 & echo $!; set -m; sleep 1000 & echo $!; wait`)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	Own(cmd)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var children []int
	for lines := bufio.NewScanner(out); len(children) < 2 && lines.Scan(); {
		pid, err := strconv.Atoi(lines.Text())
		if err != nil {
			t.Fatal(err)
		}
		children = append(children, pid)
	}
	return cmd, children
}

func alive(pid int) bool {
	stat, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "stat"))
	return err == nil && !strings.Contains(string(stat), ") Z ")
}

func TestKillEndsTheWholeFamily(t *testing.T) {
	cmd, children := family(t, context.Background())
	for _, pid := range children {
		if !alive(pid) {
			t.Fatalf("child %d did not start", pid)
		}
	}
	Kill(cmd)
	_ = cmd.Wait()
	for _, pid := range children {
		if alive(pid) {
			t.Errorf("child %d of %v still lives", pid, children)
		}
	}
}

func TestCancelEndsTheWholeFamily(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cmd, children := family(t, ctx)
	cancel()
	_ = cmd.Wait()
	for _, pid := range children {
		if alive(pid) {
			t.Errorf("child %d still lives", pid)
		}
	}
}

func TestKillBeforeStart(t *testing.T) {
	Kill(exec.Command("true")) // must not panic, nor signal anything
}

func TestPeakMemory(t *testing.T) {
	if got := PeakMemory(os.Getpid()); got < 1<<20 || got > 1<<34 {
		t.Errorf("PeakMemory(self) = %d bytes", got)
	}
	if got := PeakMemory(-1); got != 0 {
		t.Errorf("PeakMemory of no process = %d, want 0", got)
	}
}

func TestCPU(t *testing.T) {
	first := CPU(os.Getpid())
	for CPU(os.Getpid()) < first+20*time.Millisecond { // ends once work is counted, however slow the machine is
	}
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		t.Fatal(err)
	}
	if used, most := first+20*time.Millisecond, time.Duration(usage.Utime.Nano()+usage.Stime.Nano()); used > most+time.Second {
		t.Errorf("at least %v were counted, and getrusage says %v", used, most)
	}
	if got := CPU(-1); got != 0 {
		t.Errorf("CPU of no process = %v, want 0", got)
	}
}
