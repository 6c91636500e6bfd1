// Package benchdeploy measures deployments: the real state machine definition and the
// real Lambda binaries against the local Glue, whose latencies are scaled down.
package benchdeploy

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/rclone/gofakes3"
	"github.com/rclone/gofakes3/s3mem"

	"github.com/landfall/landfall/internal/local/clock"
	"github.com/landfall/landfall/internal/local/functions"
	"github.com/landfall/landfall/internal/local/glue"
	"github.com/landfall/landfall/internal/local/stepfunctions"
)

const (
	artifactsBucket = "artifacts"
	assetsBucket    = "assets"
	rawBucket       = "raw"
	account         = "123456789012"
	region          = "us-east-1"
	role            = "arn:aws:iam::" + account + ":role/"
)

// world is the stand-ins for AWS around one set of tables: Glue, S3 and Lambda, served on one address.
type world struct {
	config    Config
	clock     clock.Clock
	dir       string
	glue      *glue.Server
	objects   *s3mem.Backend
	functions *functions.Service
	lambda    functions.Config
	source    *source
	machine   *stepfunctions.Machine
	server    *http.Server
	executing map[string]bool // execution ARNs that have not ended
	runs      int             // executions so far

	mu      sync.Mutex
	s3Calls map[string]int            // by operation
	calls   map[string]map[string]int // of a function's: AWS service → calls
}

// newWorld starts a world with nothing deployed in it.
func newWorld(ctx context.Context, c Config, d *artifacts) (*world, error) {
	dir, err := os.MkdirTemp("", "landfall-bench-")
	if err != nil {
		return nil, err
	}
	w := &world{
		config: c, clock: clock.Fast(c.Factor, time.Now()), dir: dir, objects: s3mem.New(), executing: map[string]bool{}, s3Calls: map[string]int{}, calls: map[string]map[string]int{},
		machine: d.machine,
	}
	for _, name := range []string{artifactsBucket, assetsBucket, rawBucket} {
		if err := w.objects.CreateBucket(ctx, name); err != nil {
			return nil, err
		}
	}
	w.glue = glue.New(glue.Config{
		AccountID: account, Region: region, Seed: 1, Now: w.clock.Now, KeepPython: true, Latency: glue.Realistic().Scaled(c.Factor),
		Quotas:  glue.Quotas{Workflows: -1, Triggers: -1, Jobs: -1, Crawlers: -1, CallsPerSecond: throttleOf(c)},
		Objects: w.object, Python: filepath.Join(c.Root, "build", "venv", "bin", "python"),
	})
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	w.source = &source{artifacts: d, environment: w.environment(d)}
	w.lambda = functions.Config{Source: w.source, Dir: filepath.Join(dir, "functions"), EndpointURL: "http://" + listener.Addr().String()}
	w.functions = functions.New(w.lambda)
	w.server = &http.Server{Handler: w.front(), ReadHeaderTimeout: time.Minute, ErrorLog: slog.NewLogLogger(slog.DiscardHandler, slog.LevelWarn)}
	go func() { _ = w.server.Serve(listener) }()
	return w, nil
}

// throttleOf scales the calls a second up as everything else gets faster.
func throttleOf(c Config) int {
	if c.Throttle <= 0 {
		return -1
	}
	return int(c.Throttle * c.Factor)
}

func (w *world) close() {
	_ = w.server.Close()
	w.glue.Close()
	w.functions.Close()
	_ = os.RemoveAll(w.dir)
}

func (w *world) object(ctx context.Context, bucket, key string) ([]byte, error) {
	o, err := w.objects.GetObject(ctx, bucket, key, nil)
	if err != nil {
		return nil, err
	}
	defer o.Contents.Close()
	return io.ReadAll(o.Contents)
}

func (w *world) put(ctx context.Context, bucket, key string, body []byte) error {
	_, err := w.objects.PutObject(ctx, bucket, key, map[string]string{}, strings.NewReader(string(body)), int64(len(body)))
	return err
}

// front sends a call to its service and counts it for the function that made it.
func (w *world) front() http.Handler {
	s3 := gofakes3.New(w.objects).Server()
	var locks sync.Map // per key: the fake's conditional writes race otherwise
	return http.HandlerFunc(func(out http.ResponseWriter, r *http.Request) {
		service, operation, isTarget := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
		w.count(r, service, isTarget)
		time.Sleep(time.Duration(float64(w.config.CallLatency) / w.config.Factor))
		switch {
		case service == "AWSGlue" && w.glue.Handles(operation):
			w.glue.ServeHTTP(out, r)
		case service == "AWSStepFunctions" && operation == "DescribeExecution":
			w.describeExecution(out, r)
		case isTarget:
			w.answerOther(out, service, operation)
		case isForm(r):
			answerIAM(out, r)
		default:
			if r.Method != http.MethodGet && r.Method != http.MethodHead {
				lock, _ := locks.LoadOrStore(r.URL.Path, &sync.Mutex{})
				lock.(*sync.Mutex).Lock()
				defer lock.(*sync.Mutex).Unlock()
			}
			s3.ServeHTTP(out, r)
		}
	})
}

func (w *world) count(r *http.Request, service string, isTarget bool) {
	function := "?"
	if _, rest, ok := strings.Cut(r.UserAgent(), "exec-env/"+executionEnvironment); ok {
		function, _, _ = strings.Cut(rest, " ")
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.calls[function] == nil {
		w.calls[function] = map[string]int{}
	}
	switch {
	case isForm(r):
		service = "IAM"
	case !isTarget:
		service = "S3"
		w.s3Calls[s3Operation(r)]++
	}
	w.calls[function][service]++
}

// isForm reports whether a request is of the query protocol, which is IAM's here.
func isForm(r *http.Request) bool {
	return r.Method == http.MethodPost && r.URL.Path == "/" && strings.HasPrefix(r.Header.Get("Content-Type"), "application/x-www-form-urlencoded")
}

// s3Operation names a request by what S3 charges for it.
func s3Operation(r *http.Request) string {
	switch {
	case r.Method == http.MethodGet && r.URL.Query().Has("list-type"):
		return "LIST"
	case r.Method == http.MethodPut && r.Header.Get("X-Amz-Copy-Source") != "":
		return "COPY"
	default:
		return r.Method
	}
}

func (w *world) describeExecution(out http.ResponseWriter, r *http.Request) {
	var in struct {
		ExecutionArn string `json:"executionArn"`
	}
	_ = json.NewDecoder(r.Body).Decode(&in)
	w.mu.Lock()
	running, known := w.executing[in.ExecutionArn]
	w.mu.Unlock()
	if !known {
		answer(out, http.StatusBadRequest, map[string]any{"__type": "ExecutionDoesNotExist", "message": in.ExecutionArn})
		return
	}
	status := "SUCCEEDED"
	if running {
		status = "RUNNING"
	}
	answer(out, http.StatusOK, map[string]any{
		"executionArn": in.ExecutionArn, "stateMachineArn": machineARN, "status": status, "startDate": 1_700_000_000,
	})
}

func answer(out http.ResponseWriter, status int, body any) {
	out.Header().Set("Content-Type", "application/x-amz-json-1.0")
	out.WriteHeader(status)
	_ = json.NewEncoder(out).Encode(body)
}

// answerOther answers the checks before a deployment: everything exists, and no quota is reached.
func (w *world) answerOther(out http.ResponseWriter, service, operation string) {
	switch service + "." + operation {
	case "secretsmanager.DescribeSecret":
		answer(out, http.StatusOK, map[string]any{"Name": "secret", "ARN": "arn:aws:secretsmanager:" + region + ":" + account + ":secret:secret-000000"})
	case "ServiceQuotasV20190624.ListServiceQuotas":
		quotas := []map[string]any{}
		for _, q := range w.glue.ServiceQuotas() {
			quotas = append(quotas, map[string]any{"QuotaCode": q.QuotaCode, "Value": q.Value})
		}
		answer(out, http.StatusOK, map[string]any{"Quotas": quotas})
	default:
		answer(out, http.StatusBadRequest, map[string]any{"__type": "UnknownOperationException", "message": fmt.Sprintf("the benchmark does not serve %s of %s", operation, cmp.Or(service, "?"))})
	}
}

// answerIAM answers GetRole, which every role passes.
func answerIAM(out http.ResponseWriter, r *http.Request) {
	out.Header().Set("Content-Type", "text/xml")
	fmt.Fprintf(out, `<GetRoleResponse xmlns="https://iam.amazonaws.com/doc/2010-05-08/"><GetRoleResult><Role><Path>/</Path><RoleName>%[1]s</RoleName><RoleId>AROA0000000000000000</RoleId><Arn>%[2]s%[1]s</Arn><CreateDate>2026-01-01T00:00:00Z</CreateDate></Role></GetRoleResult></GetRoleResponse>`, r.PostFormValue("RoleName"), role)
}
