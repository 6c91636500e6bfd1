package functions

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestEnvironmentIsWhatLambdaDocuments(t *testing.T) {
	t.Setenv("SECRET_OF_THIS_MACHINE", "1")
	f := newFixture(t)
	before := time.Now()
	a := f.answer(t, `{}`)
	var names []string
	values := map[string]string{}
	for _, entry := range a.Env {
		name, v, _ := strings.Cut(entry, "=")
		names = append(names, name)
		values[name] = v
	}
	slices.Sort(names)
	want := []string{
		"AWS_ACCESS_KEY_ID", "AWS_DEFAULT_REGION", "AWS_ENDPOINT_URL", "AWS_LAMBDA_FUNCTION_MEMORY_SIZE",
		"AWS_LAMBDA_FUNCTION_NAME", "AWS_LAMBDA_FUNCTION_VERSION", "AWS_LAMBDA_INITIALIZATION_TYPE",
		"AWS_LAMBDA_LOG_GROUP_NAME", "AWS_LAMBDA_LOG_STREAM_NAME", "AWS_LAMBDA_RUNTIME_API", "AWS_REGION",
		"AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "EMPTY", "LAMBDA_RUNTIME_DIR", "LAMBDA_TASK_ROOT", "LANG", "PATH",
		"TZ", "WHO", "_HANDLER", "_X_AMZN_TRACE_ID",
	}
	if diff := cmp.Diff(want, names); diff != "" {
		t.Errorf("variables of the process (-want +got):\n%s", diff)
	}
	if values["WHO"] != "me" || values["AWS_ENDPOINT_URL"] != "http://127.0.0.1:1" || values["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"] != "128" {
		t.Errorf("values: %v", values)
	}
	if timeout := f.function.Timeout; a.ARN != f.function.ARN || a.Deadline.Before(before.Add(timeout).Truncate(time.Millisecond)) || a.Deadline.After(time.Now().Add(timeout)) {
		t.Errorf("context: ARN %q, deadline %v", a.ARN, a.Deadline)
	}
}

func TestFunctionErrors(t *testing.T) {
	cases := map[string]struct {
		reason, event       string
		errorType, errorHas string
	}{
		"Error":      {"a Go error's type is its errorType: Catch and Retry match on it", `{"Do":"fail"}`, "notThere", "it is not there"},
		"PlainError": {"", `{"Do":"failPlain"}`, "errorString", "plain"},
		"Panic":      {"", `{"Do":"panic"}`, "string", "ouch"},
		"Exit":       {"Lambda's own words for a process that ends", `{"Do":"exit"}`, "Runtime.ExitError", "Error: Runtime exited with error: exit status 3"},
		"Hang":       {"Lambda's own words for a timeout", `{"Do":"hang"}`, "Sandbox.Timedout", "Error: Task timed out after 5.00 seconds"},
		"TooLarge":   {"Lambda's limit of a response", `{"Bytes":6300000}`, "Function.ResponseSizeTooLarge", "exceeded maximum allowed payload size"},
	}
	f := newFixture(t)
	f.change(func(f *Function) { f.Timeout = 5 * time.Second }) // long enough for all but the one that hangs
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			resp, body := f.call(t, c.event)
			var got struct{ ErrorType, ErrorMessage string }
			if err := json.Unmarshal(body, &got); err != nil {
				t.Fatalf("HTTP %d %s: %v", resp.StatusCode, body, err)
			}
			if resp.StatusCode != http.StatusOK || resp.Header.Get("X-Amz-Function-Error") != "Unhandled" ||
				got.ErrorType != c.errorType || !strings.Contains(got.ErrorMessage, c.errorHas) {
				t.Errorf("HTTP %d, error header %q, %s: %s", resp.StatusCode, resp.Header.Get("X-Amz-Function-Error"), body, c.reason)
			}
			f.answer(t, `{}`) // the next invocation works again
		})
	}
}

func TestWarmProcessIsUsedAgain(t *testing.T) {
	f := newFixture(t)
	first, second := f.answer(t, `{}`), f.answer(t, `{}`)
	if first.PID != second.PID || second.Count != 2 {
		t.Errorf("invocations ran in processes %d and %d, the second as number %d", first.PID, second.PID, second.Count)
	}
	stats := f.service.Stats()
	if len(stats) != 1 || stats[0].Name != "f" || stats[0].Invocations != 2 || stats[0].ColdStarts != 1 || stats[0].PeakMemory < 1<<20 {
		t.Errorf("stats: %+v", stats)
	}
}

func TestOneInvocationPerProcessAtATime(t *testing.T) {
	f := newFixture(t)
	release := filepath.Join(f.dir, "release")
	const n = 4
	answers := make(chan answer, n)
	for range n {
		go func() {
			result, err := f.service.Invoke(context.Background(), f.function, fmt.Appendf(nil, `{"Do":"wait","Wait":%q}`, release))
			var a answer
			if err == nil {
				_ = json.Unmarshal(result.Payload, &a)
			}
			answers <- a
		}()
	}
	// All of them are inside their handlers at the same time before one may end.
	logs := filepath.Join(f.dir, "logs", "f.log")
	await(t, func() bool {
		text, _ := os.ReadFile(logs)
		return strings.Count(string(text), "doing wait") == n
	})
	if err := os.WriteFile(release, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	pids := map[int]bool{}
	for range n {
		pids[(<-answers).PID] = true
	}
	if len(pids) != n || pids[0] {
		t.Errorf("%d invocations at the same time ran in processes %v", n, pids)
	}
}

func TestReservedConcurrency(t *testing.T) {
	f := newFixture(t)
	f.change(func(f *Function) { f.Reserved = new(0) })
	resp, body := f.call(t, `{}`)
	if resp.StatusCode != http.StatusTooManyRequests || resp.Header.Get("X-Amzn-Errortype") != "TooManyRequestsException" {
		t.Errorf("HTTP %d %s", resp.StatusCode, body)
	}
}

func TestUpdateIsPickedUp(t *testing.T) {
	f := newFixture(t)
	old := f.answer(t, `{}`)
	f.change(func(f *Function) { f.Environment = map[string]string{"WHO": "you"} })
	updated := f.answer(t, `{}`)
	if !slices.Contains(updated.Env, "WHO=you") || updated.PID == old.PID {
		t.Errorf("after the update the environment is %v", updated.Env)
	}
	if err := syscall.Kill(old.PID, 0); err == nil {
		t.Errorf("the process of the old version, %d, still runs", old.PID)
	}
	f.deploy(zipOf(t, "bootstrap", []byte("#!/bin/sh\nexit 5\n")))
	_, body := f.call(t, `{}`)
	if !strings.Contains(string(body), "exit status 5") {
		t.Errorf("after new code: %s", body)
	}
}

func TestFunctionThatCannotStart(t *testing.T) {
	cases := map[string]struct {
		reason string
		break_ func(t *testing.T, f *fixture)
		want   string
	}{
		"DiesAtStart": {"", func(_ *testing.T, f *fixture) {
			f.change(func(f *Function) { f.Environment = map[string]string{"DIE_AT_START": "1"} })
		}, "Runtime exited with error: exit status 7"},
		"WrongMachine": {"an arm64 build on an x86 machine looks like this", func(t *testing.T, f *fixture) {
			f.deploy(zipOf(t, "bootstrap", []byte("\x7fELF not for this machine")))
		}, "Runtime.InvalidEntrypoint"},
		"NoBootstrap": {"", func(t *testing.T, f *fixture) { f.deploy(zipOf(t, "main", []byte("x"))) }, "Runtime.InvalidEntrypoint"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t)
			c.break_(t, f)
			resp, body := f.call(t, `{}`)
			if resp.Header.Get("X-Amz-Function-Error") != "Unhandled" || !strings.Contains(string(body), c.want) {
				t.Errorf("HTTP %d %s, want %q", resp.StatusCode, body, c.want)
			}
		})
	}
}
