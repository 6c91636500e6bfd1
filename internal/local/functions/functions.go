// Package functions is Lambda's invocation: it runs the code of a deployed function as a process that talks to a
// Lambda Runtime API server, as Lambda's own sandboxes do. What a function is comes from a Source.
package functions

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"
)

// Function is the deployed state of one function.
type Function struct {
	Name, ARN, Version, Region string
	Runtime, Handler           string
	PackageType                string
	Environment                map[string]string
	MemoryMB                   int
	Timeout                    time.Duration
	// Reserved concurrency; nil means unreserved.
	Reserved *int
	// CodeSHA256 is the base64 digest of the ZIP, as Lambda shows it.
	CodeSHA256 string
	// Revision changes with every change of code or configuration.
	Revision string
}

// Source knows the deployed functions.
type Source interface {
	// Function returns a function by name, partial or full ARN; ErrNotFound when there is none.
	Function(ctx context.Context, region, name string) (Function, error)
	// Code returns the function's ZIP.
	Code(ctx context.Context, f Function) ([]byte, error)
}

// ErrNotFound is what a Source answers for a function that is not deployed.
var ErrNotFound = errors.New("function not found")

// Config says where functions come from and run.
type Config struct {
	Source Source
	// Dir holds the unpacked code and, under logs/, one log file per function.
	Dir string
	// EndpointURL is what the functions get as AWS_ENDPOINT_URL.
	EndpointURL string
	Log         *slog.Logger
}

// Service invokes functions. It serves Lambda's Invoke operation over HTTP.
type Service struct {
	config Config
	code   *codeStore
	ctx    context.Context // ends with Close
	cancel context.CancelFunc

	background sync.WaitGroup // asynchronous invocations

	mu    sync.Mutex
	pools map[string]*pool // by ARN
}

// Stats is what was measured about one function.
type Stats struct {
	Name        string
	Invocations int
	// Failed counts invocations that ended with a function error.
	Failed int
	// ColdStarts counts started processes.
	ColdStarts int
	// PeakMemory is the largest resident size of any of its processes, in bytes.
	PeakMemory int64
	// Busy is how long its invocations took together, without the starts of its processes.
	Busy time.Duration
	// CPU is what its processes used together, their starts included. It is known on Linux only.
	CPU time.Duration
}

// New returns a service with no process running.
func New(c Config) *Service {
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	ctx, cancel := context.WithCancel(context.Background())
	return &Service{
		config: c, code: newCodeStore(c.Source, c.Dir), ctx: ctx, cancel: cancel, pools: map[string]*pool{},
	}
}

// Close kills every function's process and returns when they are gone.
func (s *Service) Close() {
	s.cancel()
	s.background.Wait()
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, p := range s.pools {
		p.close()
	}
}

// Stats lists every function that was invoked, in no particular order.
func (s *Service) Stats() []Stats {
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []Stats
	for _, p := range s.pools {
		all = append(all, p.snapshot())
	}
	return all
}

// Invoke runs one invocation to its end. The error is about the call itself (unknown function, no such runtime);
// a failure of the function is part of the result.
func (s *Service) Invoke(ctx context.Context, f Function, payload []byte) (Result, error) {
	p := s.pool(f)
	for {
		box, err := p.acquire(ctx, f)
		if err != nil {
			return Result{}, err
		}
		result, taken := box.invoke(payload)
		p.release(box, result, taken)
		if taken {
			return result, nil
		}
	}
}

func (s *Service) pool(f Function) *pool {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.pools[f.ARN]
	if p == nil {
		p = newPool(s, f.Name)
		s.pools[f.ARN] = p
	}
	return p
}
