package functions

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strings"
	"time"

	"github.com/google/uuid"
)

// asyncAttempts is how often Lambda tries an asynchronous invocation: once and two retries.
const asyncAttempts = 3

var scopePattern = regexp.MustCompile(`Credential=[^/]+/\d{8}/([^/]+)/`)

// Region returns the region of a signed request, or fallback when it names none.
func Region(r *http.Request, fallback string) string {
	if m := scopePattern.FindStringSubmatch(r.Header.Get("Authorization")); m != nil {
		return m[1]
	}
	return fallback
}

// ServeInvoke answers Lambda's Invoke operation for the function called name (a name or any form of ARN).
func (s *Service) ServeInvoke(w http.ResponseWriter, r *http.Request, name, region string) {
	payload, err := io.ReadAll(io.LimitReader(r.Body, maxPayload+1))
	if err != nil {
		refuseCall(w, http.StatusBadRequest, "InvalidRequestContentException", err.Error())
		return
	}
	if len(payload) == 0 {
		payload = []byte("{}")
	}
	f, err := s.config.Source.Function(r.Context(), region, name)
	if err != nil {
		s.refuseSource(w, name, err)
		return
	}
	if !s.acceptable(w, f, payload) {
		return
	}
	w.Header().Set("X-Amz-Executed-Version", f.Version)
	w.Header().Set("X-Amzn-Requestid", uuid.NewString())
	switch kind := r.Header.Get("X-Amz-Invocation-Type"); kind {
	case "DryRun":
		w.WriteHeader(http.StatusNoContent)
	case "Event":
		s.invokeLater(f, payload)
		w.WriteHeader(http.StatusAccepted)
	case "", "RequestResponse":
		s.invokeNow(w, r, f, payload)
	default:
		refuseCall(w, http.StatusBadRequest, "InvalidParameterValueException", fmt.Sprintf("unknown invocation type %q", kind))
	}
}

// acceptable checks what Lambda checks before it runs anything, and whether this machine can run the function.
func (s *Service) acceptable(w http.ResponseWriter, f Function, payload []byte) bool {
	switch {
	case len(payload) > maxPayload:
		refuseCall(w, http.StatusRequestEntityTooLarge, "RequestTooLargeException", fmt.Sprintf(
			"Request must be smaller than %d bytes for the InvokeFunction operation", maxPayload))
	case !json.Valid(payload):
		refuseCall(w, http.StatusBadRequest, "InvalidRequestContentException",
			"Could not parse request body into json: the payload is not valid JSON")
	case !strings.HasPrefix(f.Runtime, "provided"):
		refuseCall(w, http.StatusBadRequest, "InvalidRuntimeException", fmt.Sprintf(
			"function %s: runtime %q does not run locally; only provided.al2023 and provided.al2 with a bootstrap do", f.Name, f.Runtime))
	default:
		return true
	}
	return false
}

func (s *Service) invokeNow(w http.ResponseWriter, r *http.Request, f Function, payload []byte) {
	// A caller that goes away does not end the invocation.
	result, err := s.Invoke(s.ctx, f, payload)
	if err != nil {
		s.refuseInvoke(w, f, err)
		return
	}
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("X-Amzn-Requestid", result.RequestID)
	if result.FunctionError != "" {
		h.Set("X-Amz-Function-Error", result.FunctionError)
	}
	if r.Header.Get("X-Amz-Log-Type") == "Tail" {
		h.Set("X-Amz-Log-Result", base64.StdEncoding.EncodeToString(result.LogTail))
	}
	_, _ = w.Write(result.Payload)
}

// invokeLater runs an asynchronous invocation. Lambda waits one and two minutes before its retries; here one and two
// seconds.
func (s *Service) invokeLater(f Function, payload []byte) {
	s.background.Go(func() {
		for attempt := range asyncAttempts {
			result, err := s.Invoke(s.ctx, f, payload)
			if err == nil && result.FunctionError == "" {
				return
			}
			s.config.Log.Warn("asynchronous invocation failed", "function", f.Name, "attempt", attempt+1,
				"error", err, "result", string(result.Payload))
			select {
			case <-s.ctx.Done():
				return
			case <-time.After(time.Duration(attempt+1) * time.Second):
			}
		}
	})
}

func (s *Service) refuseSource(w http.ResponseWriter, name string, err error) {
	if errors.Is(err, ErrNotFound) {
		refuseCall(w, http.StatusNotFound, "ResourceNotFoundException", "Function not found: "+name)
		return
	}
	s.config.Log.Error("function lookup failed", "function", name, "error", err)
	refuseCall(w, http.StatusInternalServerError, "ServiceException", err.Error())
}

func (s *Service) refuseInvoke(w http.ResponseWriter, f Function, err error) {
	if _, ok := errors.AsType[throttled](err); ok {
		w.Header().Set("Retry-After", "1")
		refuseCall(w, http.StatusTooManyRequests, "TooManyRequestsException", err.Error())
		return
	}
	s.config.Log.Error("invocation failed", "function", f.Name, "error", err)
	refuseCall(w, http.StatusBadGateway, "InvalidZipFileException", err.Error())
}

func refuseCall(w http.ResponseWriter, status int, kind, message string) {
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("X-Amzn-Errortype", kind)
	if h.Get("X-Amzn-Requestid") == "" {
		h.Set("X-Amzn-Requestid", uuid.NewString())
	}
	body := map[string]string{"Type": "User", "Message": message}
	if kind == "TooManyRequestsException" {
		body["Reason"] = "ReservedFunctionConcurrentInvocationLimitExceeded"
	}
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body)
}
