package postgres

import (
	"os"
	"syscall"
)

// sysProcAttr makes the server end with this process: SIGQUIT is PostgreSQL's immediate shutdown.
func (i identity) sysProcAttr() *syscall.SysProcAttr {
	attr := &syscall.SysProcAttr{Pdeathsig: syscall.SIGQUIT, Setpgid: true, Credential: i.credential}
	if i.namespaceUID != 0 {
		attr.Cloneflags = syscall.CLONE_NEWUSER
		attr.UidMappings = []syscall.SysProcIDMap{{ContainerID: i.namespaceUID, HostID: os.Geteuid(), Size: 1}}
		attr.GidMappings = []syscall.SysProcIDMap{{ContainerID: i.namespaceUID, HostID: os.Getegid(), Size: 1}}
	}
	return attr
}
