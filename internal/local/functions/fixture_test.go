package functions

import (
	"archive/zip"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// bootstrap builds the test function and its ZIP once.
var bootstrap = sync.OnceValues(func() ([]byte, error) {
	dir, err := os.MkdirTemp("", "functions-test-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "bootstrap")
	cmd := exec.Command("go", "build", "-tags", "lambda.norpc", "-o", path, "./testdata/function")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("build test function: %w: %s", err, out)
	}
	binary, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	return zipped("bootstrap", binary)
})

func zipOf(t *testing.T, name string, content []byte) []byte {
	t.Helper()
	archive, err := zipped(name, content)
	if err != nil {
		t.Fatal(err)
	}
	return archive
}

// zipped does not compress: the race detector makes that slow.
func zipped(name string, content []byte) ([]byte, error) {
	var buffer bytes.Buffer
	w := zip.NewWriter(&buffer)
	header := &zip.FileHeader{Name: name, Method: zip.Store}
	header.SetMode(0o755)
	f, err := w.CreateHeader(header)
	if err != nil {
		return nil, err
	}
	if _, err := f.Write(content); err != nil {
		return nil, err
	}
	err = w.Close()
	return buffer.Bytes(), err
}

// deployed is a Source of one function that a test may change.
type deployed struct {
	mu       sync.Mutex
	function Function
	zip      []byte
}

func (d *deployed) Function(_ context.Context, _, name string) (Function, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if name != d.function.Name {
		return Function{}, ErrNotFound
	}
	return d.function, nil
}

func (d *deployed) Code(context.Context, Function) ([]byte, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.zip, nil
}

func (d *deployed) change(f func(*Function)) {
	d.mu.Lock()
	defer d.mu.Unlock()
	f(&d.function)
	d.function.Revision += "+"
}

func (d *deployed) deploy(content []byte) {
	d.change(func(f *Function) {
		sum := sha256.Sum256(content)
		f.CodeSHA256, d.zip = base64.StdEncoding.EncodeToString(sum[:]), content
	})
}

type fixture struct {
	*deployed
	service *Service
	server  *httptest.Server
	dir     string
}

func newFixture(t *testing.T) *fixture {
	t.Helper()
	archive, err := bootstrap()
	if err != nil {
		t.Fatal(err)
	}
	f := &fixture{deployed: &deployed{function: Function{
		Name: "f", ARN: "arn:aws:lambda:eu-west-1:123456789012:function:f", Version: "$LATEST", Region: "eu-west-1",
		Runtime: "provided.al2023", Handler: "bootstrap", MemoryMB: 128, Timeout: patience,
		Environment: map[string]string{"WHO": "me", "EMPTY": ""},
	}}, dir: t.TempDir()}
	f.deploy(archive)
	f.service = New(Config{Source: f, Dir: f.dir, EndpointURL: "http://127.0.0.1:1"})
	f.server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		f.service.ServeInvoke(w, r, strings.TrimPrefix(r.URL.Path, "/"), "eu-west-1")
	}))
	t.Cleanup(func() {
		f.server.Close()
		f.service.Close()
	})
	return f
}

// call invokes the function over HTTP.
func (f *fixture) call(t *testing.T, event string, headers ...string) (*http.Response, []byte) {
	t.Helper()
	r, err := http.NewRequest(http.MethodPost, f.server.URL+"/f", strings.NewReader(event))
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var body bytes.Buffer
	if _, err := body.ReadFrom(resp.Body); err != nil {
		t.Fatal(err)
	}
	return resp, body.Bytes()
}

type answer struct {
	PID, Count int
	Env        []string
	Deadline   time.Time
	ARN        string
}

func (f *fixture) answer(t *testing.T, event string) answer {
	t.Helper()
	resp, body := f.call(t, event)
	var a answer
	if err := json.Unmarshal(body, &a); err != nil || resp.Header.Get("X-Amz-Function-Error") != "" || a.PID == 0 {
		t.Fatalf("invoke %s: HTTP %d %s", event, resp.StatusCode, body)
	}
	return a
}

// patience is until a wait gives up; no test measures time.
const patience = 5 * time.Minute

// await polls for a condition that must come.
func await(t *testing.T, condition func() bool) {
	t.Helper()
	deadline := time.Now().Add(patience)
	for !condition() {
		if time.Now().After(deadline) {
			t.Fatal("the awaited condition did not come")
		}
		time.Sleep(5 * time.Millisecond)
	}
}
