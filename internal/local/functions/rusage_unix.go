//go:build unix

package functions

import (
	"os"
	"runtime"
	"syscall"
)

// processPeak is the largest resident size of an ended process in bytes.
func processPeak(state *os.ProcessState) int64 {
	usage, ok := state.SysUsage().(*syscall.Rusage)
	if !ok {
		return 0
	}
	// getrusage(2): kibibytes on Linux, bytes on macOS.
	if runtime.GOOS == "darwin" {
		return int64(usage.Maxrss)
	}
	return int64(usage.Maxrss) << 10
}
