package postgres

import (
	"fmt"
	"os"
	"syscall"
	"time"
)

// stopTimeout is how long a fast shutdown may take before the server is killed.
const stopTimeout = 10 * time.Second

// Stop ends the server, open connections included, and removes its files. It may be called more than once.
func (s *Server) Stop() error {
	s.stop.Do(func() {
		s.end()
		if s.log != nil {
			_ = s.log.Close()
		}
		if err := os.RemoveAll(s.files.dir); err != nil {
			s.stopErr = fmt.Errorf("stop PostgreSQL: %w", err)
		}
	})
	return s.stopErr
}

func (s *Server) end() {
	if s.cmd == nil {
		return
	}
	// SIGINT is PostgreSQL's fast shutdown, SIGQUIT the immediate one.
	for _, signal := range []os.Signal{syscall.SIGINT, syscall.SIGQUIT, syscall.SIGKILL} {
		_ = s.cmd.Process.Signal(signal)
		select {
		case <-s.exited:
			return
		case <-time.After(stopTimeout):
		}
	}
}
