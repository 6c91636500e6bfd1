package glue

import (
	"bytes"
	"io"
	"net/http"
	"testing"
)

// slowWriter is net/http where the answer comes before the request's write is
// over: it looks for the end of the body once more, and an error breaks the answer.
type slowWriter struct {
	calls int
	sent  []string
}

func (s *slowWriter) RoundTrip(r *http.Request) (*http.Response, error) {
	s.calls++
	body := make([]byte, r.ContentLength)
	if _, err := io.ReadFull(r.Body, body); err != nil {
		return nil, err
	}
	s.sent = append(s.sent, string(body))
	return &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: &answer{request: r, Reader: bytes.NewBufferString(`{"RunId": "br_1"}`)}, Request: r}, nil
}

type answer struct {
	io.Reader
	request *http.Request
}

func (a *answer) Read(p []byte) (int, error) {
	if _, err := io.Copy(io.Discard, a.request.Body); err != nil {
		return 0, &closedError{err}
	}
	return a.Reader.Read(p)
}

func (*answer) Close() error { return nil }

// closedError is retried by the SDK, as that of a closed connection.
type closedError struct{ error }

func (*closedError) ConnectionError() bool { return true }

// A blueprint run that is started twice fails its table: its name is taken.
func TestACallIsMadeOnceThoughItsAnswerIsQuick(t *testing.T) {
	transport := &slowWriter{}
	c := config("http://glue.test", region)
	c.HTTPClient = &http.Client{Transport: transport}
	id, err := New(c, identity).StartBlueprintRun(t.Context(), "landfall", "role", `{"a": 1}`)
	if err != nil || id != "br_1" || transport.calls != 1 {
		t.Errorf("run %q, %v, after %d calls; want one", id, err, transport.calls)
	}
	if want := `{"BlueprintName":"landfall","Parameters":"{\"a\": 1}","RoleArn":"role"}`; transport.sent[0] != want {
		t.Errorf("sent %s, want %s", transport.sent[0], want)
	}
}
