//go:build !linux

package postgres

import "syscall"

// sysProcAttr knows no user namespaces and no parent-death signal outside Linux: there a server whose parent was
// killed with SIGKILL has to be stopped by hand.
func (i identity) sysProcAttr() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Credential: i.credential}
}
