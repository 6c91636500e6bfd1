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
		s.stopErr = s.remove()
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

// remove removes the files. A killed initdb's children may still write one while they die: that is tried again.
func (s *Server) remove() error {
	var err error
	for range 50 {
		if err = os.RemoveAll(s.files.dir); err == nil {
			return nil
		}
		time.Sleep(20 * time.Millisecond)
	}
	return fmt.Errorf("stop PostgreSQL: %w", err)
}
