package functions

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"sync"
)

// pool holds the sandboxes of one function: one invocation per sandbox at a time, warm ones first, a new one when
// all are busy.
type pool struct {
	service *Service
	logPath string

	mu       sync.Mutex
	stats    Stats
	revision string
	idle     []*sandbox // last used last
	all      map[*sandbox]bool
	busy     int // invocations between acquire and release
	closed   bool
}

func newPool(s *Service, name string) *pool {
	return &pool{
		service: s, logPath: filepath.Join(s.config.Dir, "logs", name+".log"),
		stats: Stats{Name: name}, all: map[*sandbox]bool{},
	}
}

// throttled is Lambda's refusal above a function's reserved concurrency.
type throttled struct{}

func (throttled) Error() string { return "Rate Exceeded." }

// acquire returns a sandbox of the function's current revision that is this caller's alone until release.
func (p *pool) acquire(ctx context.Context, f Function) (*sandbox, error) {
	p.mu.Lock()
	if p.closed {
		p.mu.Unlock()
		return nil, context.Canceled
	}
	if p.revision != f.Revision {
		p.revision = f.Revision
		for _, old := range p.idle {
			p.discardLocked(old)
		}
		p.idle = nil
	}
	if f.Reserved != nil && p.busy >= *f.Reserved {
		p.mu.Unlock()
		return nil, throttled{}
	}
	p.busy++
	for len(p.idle) > 0 {
		box := p.idle[len(p.idle)-1]
		p.idle = p.idle[:len(p.idle)-1]
		if !box.ended() {
			p.mu.Unlock()
			return box, nil
		}
		p.discardLocked(box)
	}
	p.mu.Unlock()
	box, err := p.grow(ctx, f)
	if err != nil {
		p.mu.Lock()
		p.busy--
		p.mu.Unlock()
	}
	return box, err
}

// grow starts one more sandbox.
func (p *pool) grow(ctx context.Context, f Function) (*sandbox, error) {
	code, err := p.service.code.dir(ctx, f)
	if err != nil {
		return nil, fmt.Errorf("unpack function %q: %w", f.Name, err)
	}
	if err := os.MkdirAll(filepath.Dir(p.logPath), 0o755); err != nil {
		return nil, fmt.Errorf("start function %q: %w", f.Name, err)
	}
	box, err := newSandbox(f, code, p.logPath, p.service.config.EndpointURL)
	if err != nil {
		return nil, fmt.Errorf("start function %q: %w", f.Name, err)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.stats.ColdStarts++
	p.all[box] = true
	if p.closed {
		p.discardLocked(box)
		return nil, context.Canceled
	}
	return box, nil
}

// release gives a sandbox back; one that ended, or whose code was replaced meanwhile, is discarded. An event that
// was not taken does not count.
func (p *pool) release(box *sandbox, r Result, taken bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.busy--
	if taken {
		p.stats.Invocations++
		p.stats.Busy += r.took
	}
	if r.FunctionError != "" {
		p.stats.Failed++
	}
	p.stats.PeakMemory = max(p.stats.PeakMemory, box.peakMemory())
	if box.ended() || p.closed || box.function.Revision != p.revision {
		p.discardLocked(box)
		return
	}
	p.idle = append(p.idle, box)
}

func (p *pool) discardLocked(box *sandbox) {
	delete(p.all, box)
	box.close()
	p.stats.PeakMemory = max(p.stats.PeakMemory, box.peakMemory())
	p.stats.CPU += box.cpu()
}

func (p *pool) close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closed = true
	for box := range p.all {
		p.discardLocked(box)
	}
}

func (p *pool) snapshot() Stats {
	p.mu.Lock()
	defer p.mu.Unlock()
	stats := p.stats
	for box := range p.all {
		stats.CPU += box.cpu()
	}
	return stats
}
