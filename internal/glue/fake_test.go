package glue

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/arn"
	"github.com/aws/aws-sdk-go-v2/credentials"
)

// object is a JSON object.
type object = map[string]any

// call is one call that arrived.
type call struct {
	operation string
	input     object
}

// names is a list of the input's, such as JobNames.
func (c call) names(field string) []string {
	var names []string
	list, _ := c.input[field].([]any)
	for _, name := range list {
		names = append(names, name.(string))
	}
	return names
}

// fail is an answer that is an error of Glue's.
type fail struct{ code, message string }

// fake answers calls from a function and keeps them. The local Glue has no
// accounts of thousands of runs, and no faults of single calls in a given order.
type fake struct {
	mu     sync.Mutex
	calls  []call
	answer func(call) any
}

func (f *fake) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	_, operation, _ := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
	c := call{operation: operation}
	_ = json.NewDecoder(r.Body).Decode(&c.input)
	f.mu.Lock()
	f.calls = append(f.calls, c)
	out := f.answer(c)
	f.mu.Unlock()
	w.Header().Set("Content-Type", "application/x-amz-json-1.1")
	if e, failed := out.(fail); failed {
		status := http.StatusBadRequest
		if e.code == "InternalServiceException" {
			status = http.StatusInternalServerError
		}
		w.WriteHeader(status)
		out = object{"__type": e.code, "Message": e.message}
	}
	_ = json.NewEncoder(w).Encode(out)
}

// made are the operations that were called, in order.
func (f *fake) made() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	var operations []string
	for _, c := range f.calls {
		operations = append(operations, c.operation)
	}
	return operations
}

// last is the last call's input.
func (f *fake) last() object {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.calls[len(f.calls)-1].input
}

// batches are the sizes of the lists of a field, largest first: batches may be under way together.
func (f *fake) batches(field string) []int {
	f.mu.Lock()
	defer f.mu.Unlock()
	var sizes []int
	for _, c := range f.calls {
		sizes = append(sizes, len(c.names(field)))
	}
	slices.SortFunc(sizes, func(a, b int) int { return b - a })
	return sizes
}

const region = "eu-west-1"

var identity = arn.ARN{Partition: "aws", AccountID: "123456789012"}

func config(url, region string) aws.Config {
	return aws.Config{Region: region, BaseEndpoint: &url, Credentials: credentials.NewStaticCredentialsProvider("k", "s", "")}
}

// serve starts a Glue that answers so, and a client of it.
func serve(t *testing.T, answer func(call) any) (*Client, *fake) {
	t.Helper()
	return serveAs(t, region, identity, answer)
}

func serveAs(t *testing.T, region string, identity arn.ARN, answer func(call) any) (*Client, *fake) {
	t.Helper()
	f := &fake{answer: answer}
	server := httptest.NewServer(f)
	t.Cleanup(server.Close)
	return New(config(server.URL, region), identity), f
}

// always answers every call the same.
func always(out any) func(call) any { return func(call) any { return out } }

// direct calls the handler without a network, so that time can be made up around it.
type direct struct{ handler http.Handler }

func (d direct) RoundTrip(r *http.Request) (*http.Response, error) {
	w := httptest.NewRecorder()
	d.handler.ServeHTTP(w, r)
	answer := w.Result()
	answer.Request = r
	return answer, nil
}

// connect is serve for a test within a bubble of synctest.
func connect(answer func(call) any) (*Client, *fake) {
	f := &fake{answer: answer}
	c := config("http://glue.test", region)
	c.HTTPClient = &http.Client{Transport: direct{f}}
	return New(c, identity), f
}
