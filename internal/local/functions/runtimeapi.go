package functions

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"
)

// invocation is one event on its way through the process.
type invocation struct {
	id       string
	payload  []byte
	deadline time.Time
	done     chan Result // holds one
}

// runtimeAPI serves Lambda's Runtime API to one process
// (https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html).
type runtimeAPI struct {
	function Function
	mux      *http.ServeMux
	next     chan *invocation
	ready    chan struct{} // closed at the first request for an event
	once     sync.Once

	mu      sync.Mutex
	current *invocation
	init    *Result
}

func newRuntimeAPI(f Function) *runtimeAPI {
	a := &runtimeAPI{function: f, mux: http.NewServeMux(), next: make(chan *invocation), ready: make(chan struct{})}
	const base = "/2018-06-01/runtime"
	a.mux.HandleFunc("GET "+base+"/invocation/next", a.serveNext)
	a.mux.HandleFunc("POST "+base+"/invocation/{id}/response", a.serveResponse)
	a.mux.HandleFunc("POST "+base+"/invocation/{id}/error", a.serveError)
	a.mux.HandleFunc("POST "+base+"/init/error", a.serveInitError)
	return a
}

func (a *runtimeAPI) ServeHTTP(w http.ResponseWriter, r *http.Request) { a.mux.ServeHTTP(w, r) }

func (a *runtimeAPI) serveNext(w http.ResponseWriter, r *http.Request) {
	a.once.Do(func() { close(a.ready) })
	var job *invocation
	select {
	case job = <-a.next:
	case <-r.Context().Done():
		return
	}
	a.mu.Lock()
	a.current = job
	a.mu.Unlock()
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("Lambda-Runtime-Aws-Request-Id", job.id)
	h.Set("Lambda-Runtime-Deadline-Ms", strconv.FormatInt(job.deadline.UnixMilli(), 10))
	h.Set("Lambda-Runtime-Invoked-Function-Arn", a.function.ARN)
	h.Set("Lambda-Runtime-Trace-Id", fmt.Sprintf("Root=1-%08x-%s;Sampled=0",
		time.Now().Unix(), strings.ReplaceAll(uuid.NewString(), "-", "")[:24]))
	_, _ = w.Write(job.payload)
}

func (a *runtimeAPI) serveResponse(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(io.LimitReader(r.Body, maxPayload+1))
	if err == nil && len(body) > maxPayload {
		a.finish(w, r, failure("Function.ResponseSizeTooLarge", fmt.Sprintf(
			"Response payload size exceeded maximum allowed payload size (%d bytes).", maxPayload)))
		return
	}
	if err != nil {
		refuse(w, http.StatusBadRequest, "InvalidRequest", err.Error())
		return
	}
	a.finish(w, r, Result{Payload: body})
}

func (a *runtimeAPI) serveError(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(io.LimitReader(r.Body, maxPayload))
	if err != nil {
		refuse(w, http.StatusBadRequest, "InvalidRequest", err.Error())
		return
	}
	a.finish(w, r, Result{Payload: body, FunctionError: "Unhandled"})
}

func (a *runtimeAPI) serveInitError(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(io.LimitReader(r.Body, maxPayload))
	a.mu.Lock()
	a.init = &Result{Payload: body, FunctionError: "Unhandled"}
	a.mu.Unlock()
	accept(w)
}

// initFailure returns what the process reported before its first invocation, if it did.
func (a *runtimeAPI) initFailure() (Result, bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.init == nil {
		return Result{}, false
	}
	return *a.init, true
}

// finish ends the current invocation; an answer to any other id is refused, as by Lambda.
func (a *runtimeAPI) finish(w http.ResponseWriter, r *http.Request, result Result) {
	a.mu.Lock()
	job := a.current
	if job == nil || job.id != r.PathValue("id") {
		a.mu.Unlock()
		refuse(w, http.StatusBadRequest, "InvalidRequestID", "Invalid request ID")
		return
	}
	a.current = nil
	a.mu.Unlock()
	accept(w)
	job.done <- result
}

// forget drops an invocation whose time is over.
func (a *runtimeAPI) forget(job *invocation) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.current == job {
		a.current = nil
	}
}

func accept(w http.ResponseWriter) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusAccepted)
	_, _ = io.WriteString(w, `{"status":"OK"}`)
}

func refuse(w http.ResponseWriter, status int, kind, message string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]string{"errorType": kind, "errorMessage": message})
}
