package functions

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/google/uuid"

	"github.com/landfall/landfall/internal/local/process"
)

// initTimeout is what Lambda gives a function to ask for its first invocation; it does not count as the invocation's
// time (Lambda Developer Guide, "Lambda execution environment lifecycle").
const initTimeout = 10 * time.Second

// maxPayload is Lambda's limit for a synchronous request or response: 6 MiB and a little.
const maxPayload = 6*1024*1024 + 100

// Result is how an invocation ended.
type Result struct {
	RequestID string
	// Payload is the function's response, or the error document when FunctionError is set.
	Payload       []byte
	FunctionError string // "" or "Unhandled"
	// LogTail is the end of the log of this invocation, at most 4 KiB.
	LogTail []byte
	took    time.Duration
}

// sandbox is one process of a function with a Runtime API server of its own.
type sandbox struct {
	function Function
	api      *runtimeAPI
	server   *http.Server
	cmd      *exec.Cmd
	log      *os.File
	exited   chan struct{}
	exitErr  error // valid once exited is closed
	peak     atomic.Int64
	started  time.Time
	warm     bool
}

func newSandbox(f Function, code, logPath, endpointURL string) (*sandbox, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	log, err := os.OpenFile(logPath, os.O_CREATE|os.O_APPEND|os.O_RDWR, 0o644)
	if err != nil {
		return nil, errors.Join(err, listener.Close())
	}
	b := &sandbox{function: f, api: newRuntimeAPI(f), log: log, exited: make(chan struct{}), started: time.Now()}
	b.server = &http.Server{Handler: b.api, ReadHeaderTimeout: time.Minute}
	go func() { _ = b.server.Serve(listener) }()
	b.cmd = exec.CommandContext(context.Background(), filepath.Join(code, "bootstrap"))
	b.cmd.Dir = code
	b.cmd.Env = environment(f, code, listener.Addr().String(), endpointURL)
	b.cmd.Stdout, b.cmd.Stderr = log, log
	process.Own(b.cmd)
	if err := b.cmd.Start(); err != nil {
		b.exitErr = &startError{err}
		close(b.exited)
		return b, nil
	}
	go func() {
		b.exitErr = b.cmd.Wait()
		b.notePeak(processPeak(b.cmd.ProcessState))
		close(b.exited)
	}()
	return b, nil
}

// startError is a bootstrap that could not be executed at all.
type startError struct{ err error }

func (e *startError) Error() string { return e.err.Error() }

// environment is what Lambda documents plus the function's own variables, and nothing of this process.
func environment(f Function, code, runtimeAPI, endpointURL string) []string {
	env := map[string]string{}
	for name, value := range f.Environment {
		env[name] = value
	}
	for name, value := range map[string]string{
		"_HANDLER":                        f.Handler,
		"_X_AMZN_TRACE_ID":                "",
		"AWS_ACCESS_KEY_ID":               "ASIALANDFALLLOCAL000",
		"AWS_SECRET_ACCESS_KEY":           "local",
		"AWS_SESSION_TOKEN":               "local",
		"AWS_REGION":                      f.Region,
		"AWS_DEFAULT_REGION":              f.Region,
		"AWS_ENDPOINT_URL":                endpointURL,
		"AWS_LAMBDA_FUNCTION_NAME":        f.Name,
		"AWS_LAMBDA_FUNCTION_VERSION":     f.Version,
		"AWS_LAMBDA_FUNCTION_MEMORY_SIZE": strconv.Itoa(f.MemoryMB),
		"AWS_LAMBDA_INITIALIZATION_TYPE":  "on-demand",
		"AWS_LAMBDA_LOG_GROUP_NAME":       "/aws/lambda/" + f.Name,
		"AWS_LAMBDA_LOG_STREAM_NAME": fmt.Sprintf("%s/[%s]%s",
			time.Now().UTC().Format("2006/01/02"), f.Version, strings.ToLower(rand.Text())),
		"AWS_LAMBDA_RUNTIME_API": runtimeAPI,
		"LAMBDA_RUNTIME_DIR":     "/var/runtime",
		"LAMBDA_TASK_ROOT":       code,
		"LANG":                   "en_US.UTF-8",
		"PATH":                   "/usr/local/bin:/usr/bin:/bin",
		"TZ":                     ":UTC",
	} {
		env[name] = value
	}
	var list []string
	for name, value := range env {
		list = append(list, name+"="+value)
	}
	slices.Sort(list)
	return list
}

// invoke runs one invocation; the caller holds the sandbox alone. It reports false when a process that had served
// before ended without taking the event, as one does after a panic: another sandbox has to run it.
func (b *sandbox) invoke(payload []byte) (Result, bool) {
	id := uuid.NewString()
	served := b.warm
	offset := b.logSize()
	b.logf("START RequestId: %s Version: %s\n", id, b.function.Version)
	var initTime time.Duration
	if !b.warm {
		select {
		case <-b.api.ready:
		case <-b.exited:
		case <-time.After(initTimeout):
		}
		initTime, b.warm = time.Since(b.started), true
	}
	begun := time.Now()
	outcome, taken := b.run(id, payload)
	if !taken && served {
		return Result{}, false
	}
	b.notePeak(b.livePeak())
	outcome.RequestID, outcome.took = id, time.Since(begun)
	b.report(id, outcome.took, initTime)
	outcome.LogTail = b.logTail(offset)
	return outcome, true
}

// run hands the event to the process and waits for the end; taken is false when the process ended before it asked.
func (b *sandbox) run(id string, payload []byte) (r Result, taken bool) {
	job := &invocation{id: id, payload: payload, deadline: time.Now().Add(b.function.Timeout), done: make(chan Result, 1)}
	defer b.api.forget(job)
	timeout := time.NewTimer(b.function.Timeout)
	defer timeout.Stop()
	select {
	case b.api.next <- job:
	case <-b.exited:
		return b.exitResult(id), false
	case <-timeout.C:
		return b.timedOut(id), true
	}
	select {
	case r := <-job.done:
		return r, true
	case <-timeout.C:
		return b.timedOut(id), true
	case <-b.exited:
		select {
		case r := <-job.done: // the error a panicking function posted before it exited
			return r, true
		default:
			return b.exitResult(id), true
		}
	}
}

func (b *sandbox) timedOut(id string) Result {
	b.kill()
	text := fmt.Sprintf("Task timed out after %.2f seconds", b.function.Timeout.Seconds())
	b.logf("%s %s %s\n\n", time.Now().UTC().Format("2006-01-02T15:04:05.000Z"), id, text)
	return failure("Sandbox.Timedout", fmt.Sprintf("RequestId: %s Error: %s", id, text))
}

// exitResult words the end of the process as Lambda does.
func (b *sandbox) exitResult(id string) Result {
	if r, ok := b.api.initFailure(); ok {
		return r
	}
	if start, ok := errors.AsType[*startError](b.exitErr); ok {
		b.logf("%s\n", start)
		return failure("Runtime.InvalidEntrypoint", fmt.Sprintf("RequestId: %s Error: %s", id, start))
	}
	text := "Runtime exited without providing a reason"
	if b.exitErr != nil {
		text = "Runtime exited with error: " + b.exitErr.Error()
	}
	b.logf("RequestId: %s Error: %s\nRuntime.ExitError\n", id, text)
	return failure("Runtime.ExitError", fmt.Sprintf("RequestId: %s Error: %s", id, text))
}

func failure(errorType, message string) Result {
	document, _ := json.Marshal(struct {
		ErrorType    string `json:"errorType"`
		ErrorMessage string `json:"errorMessage"`
	}{errorType, message})
	return Result{Payload: document, FunctionError: "Unhandled"}
}

func (b *sandbox) ended() bool {
	select {
	case <-b.exited:
		return true
	default:
		return false
	}
}

func (b *sandbox) kill() {
	if !b.ended() {
		process.Kill(b.cmd)
		<-b.exited
	}
}

func (b *sandbox) close() {
	b.kill()
	_ = b.server.Close()
	_ = b.log.Close()
}

func (b *sandbox) peakMemory() int64 { return b.peak.Load() }

func (b *sandbox) notePeak(bytes int64) { b.peak.Store(max(b.peak.Load(), bytes)) }

// cpu is what the process has used so far.
func (b *sandbox) cpu() time.Duration {
	if b.ended() && b.cmd.ProcessState != nil {
		return b.cmd.ProcessState.UserTime() + b.cmd.ProcessState.SystemTime()
	}
	if b.cmd.Process == nil {
		return 0
	}
	return process.CPU(b.cmd.Process.Pid)
}

func (b *sandbox) livePeak() int64 {
	if b.cmd.Process == nil {
		return 0
	}
	return process.PeakMemory(b.cmd.Process.Pid)
}
