package sfn_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"

	"github.com/landfall/landfall/internal/sfn"
)

const execution = "arn:aws:states:eu-west-1:123456789012:execution:landing:e1"

// A lock is taken over only from an execution that surely does nothing any more.
func TestRunning(t *testing.T) {
	status := func(s string) (int, string) {
		return http.StatusOK, fmt.Sprintf(`{"executionArn": %q, "stateMachineArn": "m", "startDate": 1, "status": %q}`, execution, s)
	}
	refused := func(code string) (int, string) {
		return http.StatusBadRequest, fmt.Sprintf(`{"__type": %q, "message": "why"}`, code)
	}
	type answer = func() (int, string)
	cases := map[string]struct {
		reason        string
		answer        answer
		running, fail bool
	}{
		"running":             {"", func() (int, string) { return status("RUNNING") }, true, false},
		"redriven":            {"it starts again by itself", func() (int, string) { return status("PENDING_REDRIVE") }, true, false},
		"succeeded":           {"", func() (int, string) { return status("SUCCEEDED") }, false, false},
		"failed":              {"", func() (int, string) { return status("FAILED") }, false, false},
		"timed out":           {"", func() (int, string) { return status("TIMED_OUT") }, false, false},
		"stopped":             {"", func() (int, string) { return status("ABORTED") }, false, false},
		"not known":           {"Step Functions keeps an execution for 90 days", func() (int, string) { return refused("ExecutionDoesNotExist") }, false, false},
		"no ARN":              {"somebody wrote the lock by hand", func() (int, string) { return refused("InvalidArn") }, false, false},
		"no permission":       {"it may run", func() (int, string) { return refused("AccessDeniedException") }, false, true},
		"throttled":           {"it may run", func() (int, string) { return refused("ThrottlingException") }, false, true},
		"not answered":        {"it may run", func() (int, string) { return http.StatusInternalServerError, "{}" }, false, true},
		"a status of its own": {"a status that is not known here is not that of an execution at work", func() (int, string) { return status("SOMETHING_NEW") }, false, false},
	}
	for name, c := range cases {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			code, body := c.answer()
			w.WriteHeader(code)
			_, _ = w.Write([]byte(body))
		}))
		client := sfn.New(aws.Config{
			Region: "eu-west-1", BaseEndpoint: &server.URL, Credentials: credentials.NewStaticCredentialsProvider("k", "s", ""), RetryMaxAttempts: 1,
		})
		running, err := client.Running(t.Context(), execution)
		server.Close()
		if running != c.running || (err != nil) != c.fail {
			t.Errorf("%s: running %t, %v; want %t and an error: %t: %s", name, running, err, c.running, c.fail, c.reason)
		}
	}
}
