// Package process starts programs that never outlive the endpoint: each gets a session of its own, which is killed
// as a whole, and dies with this process even when that is killed.
package process

import (
	"errors"
	"os/exec"
	"syscall"
	"time"
)

// Own prepares a command that is about to be started: cancelling its context, or Kill, ends the program and
// everything it started.
func Own(cmd *exec.Cmd) {
	cmd.SysProcAttr = attributes()
	cmd.Cancel = func() error {
		Kill(cmd)
		return nil
	}
	// A grandchild may hold the output pipes open a little longer.
	cmd.WaitDelay = 2 * time.Second
}

// Kill ends the program and everything it started, at once. It does nothing to a command that was not started.
func Kill(cmd *exec.Cmd) {
	if cmd.Process == nil {
		return
	}
	killSession(cmd.Process.Pid)
}

// killGroup reports whether there was anything left to kill.
func killGroup(pid int) bool {
	return !errors.Is(syscall.Kill(-pid, syscall.SIGKILL), syscall.ESRCH)
}
