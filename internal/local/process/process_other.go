//go:build !linux

package process

import (
	"syscall"
	"time"
)

func attributes() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setsid: true} }

func killSession(leader int) { killGroup(leader) }

// PeakMemory is known only on Linux.
func PeakMemory(int) int64 { return 0 }

// CPU is known only on Linux.
func CPU(int) time.Duration { return 0 }
