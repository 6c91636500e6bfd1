//go:build !linux

package process

import "syscall"

func attributes() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setsid: true} }

func killSession(leader int) { killGroup(leader) }

// PeakMemory is known only on Linux.
func PeakMemory(int) int64 { return 0 }
