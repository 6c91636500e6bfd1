package glue

import (
	"cmp"
	"context"
	"encoding/hex"
	"encoding/json"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/landfall/landfall/internal/local/glue/constraints"
	"github.com/landfall/landfall/internal/local/glue/generator"
)

const targetPrefix = "AWSGlue."

// Server is the local Glue service. It is an http.Handler for requests whose X-Amz-Target Handles.
type Server struct {
	config     Config
	operations map[string]handler
	ctx        context.Context
	cancel     context.CancelFunc
	tasks      sync.WaitGroup
	slots      chan struct{} // one per job run that may execute
	layouts    *generator.Pool

	hooks sync.Mutex // guards calls
	calls map[string]int

	bucket throttle

	mu         sync.Mutex // guards all below
	closed     bool
	random     *rand.Rand
	blueprints map[string]*blueprint
	workflows  map[string]*workflow
	triggers   map[string]*trigger
	children   map[string]map[string]*trigger // workflow name → trigger name
	busy       map[string]bool                // workflows a trigger call is at work on
	jobs       map[string]*job
	crawlers   map[string]*crawler
	tags       map[string]map[string]string // by ARN
	activeRuns int                          // job runs that have not ended
}

// New returns a running service. Close ends what it started.
func New(c Config) *Server {
	c.AccountID = cmp.Or(c.AccountID, "123456789012")
	c.Region = cmp.Or(c.Region, "eu-west-1")
	c.JobSlots = cmp.Or(c.JobSlots, 2)
	c.Latency, c.Quotas, c.Unknowns = c.Latency.withDefaults(), c.Quotas.withDefaults(), c.Unknowns.withDefaults()
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	s := &Server{
		config: c, operations: operations(), slots: make(chan struct{}, c.JobSlots),
		calls: map[string]int{}, random: rand.New(rand.NewPCG(c.Seed, 0x6c616e6466616c6c)),
		blueprints: map[string]*blueprint{}, workflows: map[string]*workflow{}, triggers: map[string]*trigger{},
		children: map[string]map[string]*trigger{}, busy: map[string]bool{},
		jobs: map[string]*job{}, crawlers: map[string]*crawler{}, tags: map[string]map[string]string{},
	}
	s.ctx, s.cancel = context.WithCancel(context.Background())
	s.layouts = generator.New(s.ctx, generator.Config{
		Python: c.Python, Region: c.Region, AccountID: c.AccountID, Timeout: c.Unknowns.LayoutTimeout, Keep: c.KeepPython, Cache: c.Layouts, Log: c.Log,
	})
	if c.triggerCall == nil {
		s.config.triggerCall = func() { s.sleep(s.ctx, c.Latency.TriggerCall) }
	}
	return s
}

// Close stops all job runs, layout generators and pending transitions and waits for them.
func (s *Server) Close() {
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	s.cancel()
	s.tasks.Wait()
	s.layouts.Close()
}

// Handles reports whether the service knows the operation, for instance CreateJob. Glue's other operations
// (databases, tables, connections, …) are served elsewhere.
func (s *Server) Handles(operation string) bool {
	_, ok := s.operations[operation]
	return ok
}

// ServeHTTP answers one API call.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	start, id := time.Now(), uuid.NewString()
	w.Header().Set("x-amzn-RequestId", id)
	name := strings.TrimPrefix(r.Header.Get("X-Amz-Target"), targetPrefix)
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxRequestBytes))
	if err != nil {
		writeJSON(w, http.StatusBadRequest, errorf(codeSerialization, "read request: %v", err))
		return
	}
	fault := s.fault(name)
	out, apiErr := s.call(name, body, fault, nil)
	s.report(name, id, body, start, apiErr)
	switch {
	case fault != nil && fault.Drop:
		panic(http.ErrAbortHandler)
	case apiErr != nil:
		writeJSON(w, apiErr.status(), apiErr)
	default:
		writeJSON(w, http.StatusOK, out)
	}
}

// call executes one operation, with its injected fault. amend may complete the input before it is checked.
func (s *Server) call(name string, body []byte, fault *Fault, amend func(in any)) (any, *apiError) {
	op, ok := s.operations[name]
	if !ok {
		return nil, errorf(codeUnknownOperation, "operation %q is not supported by the local Glue service", name)
	}
	if amend == nil && !s.bucket.take(s.config.Quotas) {
		return nil, errorf(codeThrottling, "Rate exceeded")
	}
	if fault != nil && !fault.After {
		return nil, fault.err()
	}
	out, err := op(s, body, amend)
	if err != nil {
		return nil, asAPIError(err)
	}
	if fault != nil {
		return nil, fault.err()
	}
	return out, nil
}

// internal executes an operation as a blueprint run does.
func (s *Server) internal(name string, body []byte, amend func(in any)) *apiError {
	start, id, full := time.Now(), uuid.NewString(), "BlueprintRun/"+name
	_, err := s.call(name, body, s.fault(full), amend)
	s.report(full, id, body, start, err)
	return err
}

func (s *Server) report(name, id string, body []byte, start time.Time, err *apiError) {
	call := Call{Operation: name, RequestID: id, Request: summary(body), Start: start, Duration: time.Since(start)}
	if err != nil {
		call.ErrorCode = err.Code
	}
	s.config.Log.Debug("glue call", "operation", name, "request", call.Request, "error", call.ErrorCode)
	if s.config.OnCall != nil {
		s.config.OnCall(call)
	}
}

// handler is one operation: the JSON of the input in, the output struct out.
type handler func(s *Server, body []byte, amend func(in any)) (any, error)

// operation makes a handler of a method that runs with the state locked.
func operation[In, Out any](f func(*Server, *In) (Out, error)) handler {
	return func(s *Server, body []byte, amend func(any)) (any, error) {
		in := new(In)
		if err := decode(body, in); err != nil {
			return nil, err
		}
		if amend != nil {
			amend(in)
		}
		if err := constraints.Check(in); err != nil {
			return nil, errorf(codeValidation, "%v", err)
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		return f(s, in)
	}
}

// after runs f with the state locked once d has passed, unless the server is closed before. The state is locked.
func (s *Server) after(d time.Duration, f func()) {
	s.start(func() {
		if s.sleep(s.ctx, d) {
			s.mu.Lock()
			defer s.mu.Unlock()
			f()
		}
	})
}

// start runs f on its own goroutine, unless the server is closed. The state is locked.
func (s *Server) start(f func()) {
	if !s.closed {
		s.tasks.Go(f)
	}
}

// sleep reports whether d passed before ctx ended.
func (s *Server) sleep(ctx context.Context, d time.Duration) bool {
	if d <= 0 {
		return ctx.Err() == nil
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

func (s *Server) now() timestamp { return timestamp{s.config.Now()} }

// hex returns n random hexadecimal digits. The state is locked.
func (s *Server) hex(n int) string {
	b := make([]byte, (n+1)/2)
	for i := range b {
		b[i] = byte(s.random.Uint32())
	}
	return hex.EncodeToString(b)[:n]
}

// marshal is for values of this package, which always have JSON.
func marshal(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return b
}
