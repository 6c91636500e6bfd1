package glue

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"time"
)

// hosts are the processes that Config.KeepPython keeps, by the blueprint's ZIP.
type hosts struct {
	mu   sync.Mutex
	idle map[string][]*host
	all  []*host
}

// host is one process that runs generators of one blueprint, one at a time.
type host struct {
	dir, path string
	cmd       *exec.Cmd
	requests  io.WriteCloser
	answers   *bufio.Reader
}

// askHost has an idle process run the generator, or a new one. A process that does not answer is given up.
func (s *Server) askHost(def *definition, request layoutRequest) (*layoutAnswer, error) {
	h, err := s.takeHost(def)
	if err != nil {
		return nil, err
	}
	request.Path = h.path
	timeout := time.AfterFunc(s.config.Behaviour.LayoutTimeout, h.kill)
	line, err := h.ask(marshal(request))
	if !timeout.Stop() {
		return nil, fmt.Errorf("TimeoutError: the layout generator took longer than %v", s.config.Behaviour.LayoutTimeout)
	}
	answer := &layoutAnswer{}
	if err == nil {
		err = json.Unmarshal(line, answer)
	}
	if err != nil {
		h.kill()
		return nil, fmt.Errorf("the process ended without an answer: %w", err)
	}
	s.hosts.mu.Lock()
	defer s.hosts.mu.Unlock()
	s.hosts.idle[string(def.zip)] = append(s.hosts.idle[string(def.zip)], h)
	return answer, nil
}

func (s *Server) takeHost(def *definition) (*host, error) {
	s.hosts.mu.Lock()
	defer s.hosts.mu.Unlock()
	if s.hosts.idle == nil {
		s.hosts.idle = map[string][]*host{}
	}
	key := string(def.zip)
	if idle := s.hosts.idle[key]; len(idle) > 0 {
		s.hosts.idle[key] = idle[:len(idle)-1]
		return idle[len(idle)-1], nil
	}
	h, err := s.startHost(def)
	if err == nil {
		s.hosts.all = append(s.hosts.all, h)
	}
	return h, err
}

func (s *Server) startHost(def *definition) (*host, error) {
	dir, err := os.MkdirTemp("", "glue-layout-")
	if err != nil {
		return nil, err
	}
	tmp, lib, err := def.unpack(dir)
	if err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(s.ctx, s.config.Python, "-I", filepath.Join(lib, "awsglue", "host.py"), "--serve")
	requests, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	answers, err := start(cmd, tmp)
	if err != nil {
		return nil, err
	}
	return &host{dir, def.path(tmp), cmd, requests, bufio.NewReader(answers)}, nil
}

func (h *host) ask(request []byte) ([]byte, error) {
	if _, err := h.requests.Write(append(bytes.TrimSpace(request), '\n')); err != nil {
		return nil, err
	}
	return h.answers.ReadBytes('\n')
}

func (h *host) kill() { _ = syscall.Kill(-h.cmd.Process.Pid, syscall.SIGKILL) }

// close ends the processes and removes their folders.
func (h *hosts) close() {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, each := range h.all {
		each.kill()
		_ = each.cmd.Wait()
		_ = os.RemoveAll(each.dir)
	}
	h.all, h.idle = nil, nil
}
