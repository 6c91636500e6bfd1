package reconcile_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/landfall/landfall/internal/lambda"
)

// fault is what happens at one AWS call.
type fault string

// The faults. A code without "after" is answered instead of making the call.
const (
	throttled     fault = "ThrottlingException"
	conflicting   fault = "ConcurrentModificationException"
	internal      fault = "InternalServiceException"
	timedOut      fault = "OperationTimeoutException"
	lostAnswer    fault = "InternalServiceException after the call was done"
	resetBefore   fault = "connection reset before the call was done"
	resetAfter    fault = "connection reset after the call was done"
	killedBefore  fault = "function killed before the call"
	killedAfter   fault = "function killed after the call"
	stoppedBefore fault = "execution stopped before the call"
	stoppedAfter  fault = "execution stopped after the call"
	// abandoned is how StopExecution works: the functions under way do not hear of it.
	abandoned fault = "abandoned, the functions go on"
)

var faults = []fault{throttled, conflicting, internal, timedOut, lostAnswer, resetBefore, resetAfter, killedBefore, killedAfter, stoppedBefore, stoppedAfter}

// invocation is one run of a function.
type invocation struct {
	cancel context.CancelFunc
	killed bool
}

type invocationKey struct{}

// interceptor is the way of every AWS call of an execution: it counts them, and one of them meets a fault.
type interceptor struct {
	mu      sync.Mutex
	calls   map[string]int
	total   int
	at      int // the call that meets the fault; 0 is none
	fault   fault
	hit     string // the operation that met it
	stopped bool
	running map[*invocation]bool
	// left is closed when the execution is stopped and its functions go on.
	left chan struct{}
	// watch is told of every call before it is made.
	watch func(operation string)
	// slow, where it is set, is how long a call is on its way, by the number of the operation's calls so far.
	slow func(operation string, nth int) time.Duration
	// next makes the calls.
	next http.RoundTripper
}

func newInterceptor() *interceptor {
	return &interceptor{calls: map[string]int{}, running: map[*invocation]bool{}, left: make(chan struct{})}
}

// arm makes the at-th call from now meet the fault.
func (g *interceptor) arm(at int, f fault) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.total, g.at, g.fault, g.hit, g.stopped, g.left = 0, at, f, "", false, make(chan struct{})
}

// reset forgets the calls, and returns what was counted.
func (g *interceptor) reset() map[string]int {
	g.mu.Lock()
	defer g.mu.Unlock()
	counted := g.calls
	g.calls, g.total = map[string]int{}, 0
	return counted
}

// glueCalls are the calls but those of S3.
func glueCalls(calls map[string]int) (n int) {
	for operation, count := range calls {
		if !strings.HasPrefix(operation, "S3 ") {
			n += count
		}
	}
	return n
}

// stop ends the execution at once, as StopExecution does.
func (g *interceptor) stop() {
	g.stopped = true
	for i := range g.running {
		i.killed = true
		i.cancel()
	}
}

func (g *interceptor) invoke(ctx context.Context) (context.Context, *invocation, func()) {
	ctx, cancel := context.WithCancel(ctx)
	i := &invocation{cancel: cancel}
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.stopped {
		cancel()
	}
	g.running[i] = true
	return context.WithValue(ctx, invocationKey{}, i), i, func() {
		cancel()
		g.mu.Lock()
		defer g.mu.Unlock()
		delete(g.running, i)
	}
}

func operationOf(r *http.Request) string {
	if target := r.Header.Get("X-Amz-Target"); target != "" {
		return target[strings.LastIndexByte(target, '.')+1:]
	}
	return "S3 " + r.Method
}

func (g *interceptor) meet(operation string) (fault, time.Duration) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.calls[operation]++
	g.total++
	if g.watch != nil {
		g.watch(operation)
	}
	var slow time.Duration
	if g.slow != nil {
		slow = g.slow(operation, g.calls[operation])
	}
	if g.at == 0 || g.total != g.at {
		return "", slow
	}
	g.hit = operation
	return g.fault, slow
}

// RoundTrip makes one call, or not.
func (g *interceptor) RoundTrip(r *http.Request) (*http.Response, error) {
	f, slow := g.meet(operationOf(r))
	if err := lambda.Sleep(r.Context(), slow); err != nil {
		return nil, err
	}
	if f == abandoned {
		g.mu.Lock()
		g.stopped = true
		close(g.left)
		g.mu.Unlock()
	}
	if f == "" || f == abandoned {
		return g.next.RoundTrip(r)
	}
	text := string(f)
	if strings.Contains(text, "after") {
		if answer, err := g.next.RoundTrip(r); err == nil {
			_, _ = io.Copy(io.Discard, answer.Body)
			_ = answer.Body.Close()
		}
	} else if r.Body != nil {
		_ = r.Body.Close()
	}
	switch {
	case strings.HasPrefix(text, "connection"):
		return nil, &net.OpError{Op: "read", Net: "tcp", Err: syscall.ECONNRESET}
	case strings.HasPrefix(text, "function"):
		if i, ok := r.Context().Value(invocationKey{}).(*invocation); ok {
			g.mu.Lock()
			i.killed = true
			g.mu.Unlock()
			i.cancel()
		}
		return nil, context.Canceled
	case strings.HasPrefix(text, "execution"):
		g.mu.Lock()
		defer g.mu.Unlock()
		g.stop()
		return nil, context.Canceled
	}
	return refusal(r, strings.Fields(text)[0]), nil
}

// refusal is an error as Glue, or S3, words it.
func refusal(r *http.Request, code string) *http.Response {
	status := http.StatusBadRequest
	if code == string(internal) {
		status = http.StatusInternalServerError
	}
	body, kind := fmt.Sprintf(`{"__type": %q, "Message": "injected"}`, code), "application/x-amz-json-1.1"
	if r.Header.Get("X-Amz-Target") == "" {
		code = map[string]string{string(throttled): "SlowDown", string(conflicting): "OperationAborted"}[code]
		if code == "" {
			code = "InternalError"
		}
		status, kind = http.StatusServiceUnavailable, "application/xml"
		body = "<?xml version=\"1.0\"?><Error><Code>" + code + "</Code><Message>injected</Message></Error>"
	}
	return &http.Response{
		StatusCode: status, Status: http.StatusText(status), Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Request: r,
		Header: http.Header{"Content-Type": {kind}}, Body: io.NopCloser(bytes.NewBufferString(body)), ContentLength: int64(len(body)),
	}
}
