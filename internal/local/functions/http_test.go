package functions

import (
	"context"
	"encoding/base64"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

func TestRefusals(t *testing.T) {
	cases := map[string]struct {
		reason, path, body string
		change             func(*Function)
		headers            []string
		status             int
		kind               string
	}{
		"Unknown":    {"", "/g", `{}`, nil, nil, http.StatusNotFound, "ResourceNotFoundException"},
		"NotJSON":    {"", "/f", `{`, nil, nil, http.StatusBadRequest, "InvalidRequestContentException"},
		"TooLarge":   {"", "/f", `"` + strings.Repeat("x", maxPayload) + `"`, nil, nil, http.StatusRequestEntityTooLarge, "RequestTooLargeException"},
		"Runtime":    {"only binaries run here", "/f", `{}`, func(f *Function) { f.Runtime = "python3.12" }, nil, http.StatusBadRequest, "InvalidRuntimeException"},
		"Invocation": {"", "/f", `{}`, nil, []string{"X-Amz-Invocation-Type", "Later"}, http.StatusBadRequest, "InvalidParameterValueException"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t)
			if c.change != nil {
				f.change(c.change)
			}
			r := httptest.NewRequest(http.MethodPost, c.path, strings.NewReader(c.body))
			for i := 0; i < len(c.headers); i += 2 {
				r.Header.Set(c.headers[i], c.headers[i+1])
			}
			w := httptest.NewRecorder()
			f.service.ServeInvoke(w, r, strings.TrimPrefix(c.path, "/"), "eu-west-1")
			if w.Code != c.status || w.Header().Get("X-Amzn-Errortype") != c.kind || w.Header().Get("X-Amzn-Requestid") == "" {
				t.Errorf("HTTP %d %v %s; want %d %s: %s", w.Code, w.Header(), w.Body, c.status, c.kind, c.reason)
			}
		})
	}
}

func TestInvocationTypes(t *testing.T) {
	f := newFixture(t)
	if resp, body := f.call(t, `{"Do":"dry"}`, "X-Amz-Invocation-Type", "DryRun"); resp.StatusCode != http.StatusNoContent || len(body) != 0 {
		t.Errorf("DryRun: HTTP %d %s", resp.StatusCode, body)
	}
	if resp, body := f.call(t, `{"Do":"later"}`, "X-Amz-Invocation-Type", "Event"); resp.StatusCode != http.StatusAccepted || len(body) != 0 {
		t.Errorf("Event: HTTP %d %s", resp.StatusCode, body)
	}
	await(t, func() bool {
		text, _ := os.ReadFile(filepath.Join(f.dir, "logs", "f.log"))
		return strings.Contains(string(text), "doing later")
	})
	resp, _ := f.call(t, `{"Do":"now"}`, "X-Amz-Log-Type", "Tail")
	tail, err := base64.StdEncoding.DecodeString(resp.Header.Get("X-Amz-Log-Result"))
	for _, want := range []string{"START RequestId: " + resp.Header.Get("X-Amzn-Requestid"), "doing now", "END RequestId", "REPORT RequestId", "Max Memory Used"} {
		if err != nil || !strings.Contains(string(tail), want) {
			t.Errorf("log tail %q (%v) lacks %q", tail, err, want)
		}
	}
	text, _ := os.ReadFile(filepath.Join(f.dir, "logs", "f.log"))
	if strings.Contains(string(text), "doing dry") {
		t.Error("a dry run ran the function")
	}
}

func TestCloseEndsBusyProcesses(t *testing.T) {
	f := newFixture(t)
	pid := f.answer(t, `{}`).PID
	done := make(chan Result, 1)
	go func() {
		result, _ := f.service.Invoke(context.Background(), f.function, []byte(`{"Do":"hang"}`))
		done <- result
	}()
	await(t, func() bool {
		text, _ := os.ReadFile(filepath.Join(f.dir, "logs", "f.log"))
		return strings.Contains(string(text), "doing hang")
	})
	f.service.Close()
	if result := <-done; !strings.Contains(string(result.Payload), "signal: killed") {
		t.Errorf("the invocation ended with %s", result.Payload)
	}
	if err := syscall.Kill(pid, 0); err == nil {
		t.Errorf("process %d still runs", pid)
	}
	if _, err := f.service.Invoke(context.Background(), f.function, []byte(`{}`)); err == nil {
		t.Error("a closed service invoked a function")
	}
}

func TestUnpackRefusesPathsThatLeadOut(t *testing.T) {
	dir := t.TempDir()
	err := unpack(zipOf(t, "../escaped", []byte("x")), filepath.Join(dir, "inside", "code"))
	if err == nil || !strings.Contains(err.Error(), "leads out") {
		t.Errorf("unpack = %v", err)
	}
	if _, err := os.Stat(filepath.Join(dir, "inside", "escaped")); err == nil {
		t.Error("a file was written outside the folder")
	}
}
