package generator

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

// hosts are the processes that Config.Keep keeps, by the blueprint's ZIP.
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
func (p *Pool) askHost(b *Blueprint, q request) (*answer, error) {
	h, err := p.takeHost(b)
	if err != nil {
		return nil, err
	}
	q.Path = h.path
	timeout := time.AfterFunc(p.config.Timeout, h.kill)
	line, err := h.ask(marshal(q))
	if !timeout.Stop() {
		return nil, fmt.Errorf("TimeoutError: the layout generator took longer than %v", p.config.Timeout)
	}
	got := &answer{}
	if err == nil {
		err = json.Unmarshal(line, got)
	}
	if err != nil {
		h.kill()
		return nil, fmt.Errorf("the process ended without an answer: %w", err)
	}
	p.hosts.mu.Lock()
	defer p.hosts.mu.Unlock()
	p.hosts.idle[string(b.zip)] = append(p.hosts.idle[string(b.zip)], h)
	return got, nil
}

func (p *Pool) takeHost(b *Blueprint) (*host, error) {
	p.hosts.mu.Lock()
	defer p.hosts.mu.Unlock()
	if p.hosts.idle == nil {
		p.hosts.idle = map[string][]*host{}
	}
	key := string(b.zip)
	if idle := p.hosts.idle[key]; len(idle) > 0 {
		p.hosts.idle[key] = idle[:len(idle)-1]
		return idle[len(idle)-1], nil
	}
	h, err := p.startHost(b)
	if err == nil {
		p.hosts.all = append(p.hosts.all, h)
	}
	return h, err
}

func (p *Pool) startHost(b *Blueprint) (*host, error) {
	dir, err := os.MkdirTemp("", "glue-layout-")
	if err != nil {
		return nil, err
	}
	tmp, lib, err := b.unpack(dir)
	if err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(p.ctx, p.config.Python, "-I", filepath.Join(lib, "awsglue", "host.py"), "--serve")
	requests, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	answers, err := start(cmd, tmp)
	if err != nil {
		return nil, err
	}
	return &host{dir, b.path(tmp), cmd, requests, bufio.NewReader(answers)}, nil
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
