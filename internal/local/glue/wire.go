package glue

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"
)

const maxRequestBytes = 8 << 20

// Error codes of Glue's model, and those every AWS service has.
const (
	codeAccessDenied        = "AccessDenied"
	codeAlreadyExists       = "AlreadyExistsException"
	codeConcurrentModified  = "ConcurrentModificationException"
	codeConcurrentRuns      = "ConcurrentRunsExceededException"
	codeCrawlerNotRunning   = "CrawlerNotRunningException"
	codeCrawlerRunning      = "CrawlerRunningException"
	codeCrawlerStopping     = "CrawlerStoppingException"
	codeEntityNotFound      = "EntityNotFoundException"
	codeIdempotentMismatch  = "IdempotentParameterMismatchException"
	codeIllegalBlueprint    = "IllegalBlueprintStateException"
	codeIllegalWorkflow     = "IllegalWorkflowStateException"
	codeInternalService     = "InternalServiceException"
	codeInvalidInput        = "InvalidInputException"
	codeResourceNumberLimit = "ResourceNumberLimitExceededException"
	codeSerialization       = "SerializationException"
	codeThrottling          = "ThrottlingException"
	codeUnknownOperation    = "UnknownOperationException"
	codeValidation          = "ValidationException"
)

// apiError is an error as a client sees it.
type apiError struct {
	Code    string `json:"__type"`
	Message string
}

func (e *apiError) Error() string { return e.Code + ": " + e.Message }

func (e *apiError) status() int {
	if e.Code == codeInternalService {
		return http.StatusInternalServerError
	}
	return http.StatusBadRequest
}

func errorf(code, format string, args ...any) *apiError {
	return &apiError{Code: code, Message: fmt.Sprintf(format, args...)}
}

func invalid(format string, args ...any) *apiError { return errorf(codeInvalidInput, format, args...) }

func notFound(kind, name string) *apiError {
	return errorf(codeEntityNotFound, "%s with name: %s not found", kind, name)
}

// asAPIError makes an error of this package's handlers one for the wire.
func asAPIError(err error) *apiError {
	if e, ok := errors.AsType[*apiError](err); ok {
		return e
	}
	return errorf(codeInternalService, "%v", err)
}

// timestamp is a time on the wire: seconds since 1970, to the millisecond.
type timestamp struct{ time.Time }

// MarshalJSON implements json.Marshaler.
func (t timestamp) MarshalJSON() ([]byte, error) {
	return strconv.AppendFloat(nil, float64(t.UnixMilli())/1000, 'f', 3, 64), nil
}

// decode reads a request into its input struct. Members it does not know are ignored, as AWS ignores them.
func decode(body []byte, in any) error {
	if len(body) == 0 {
		body = []byte("{}")
	}
	if err := json.Unmarshal(body, in); err != nil {
		if e, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
			return errorf(codeSerialization, "%s: a %s is not a valid value", e.Field, e.Value)
		}
		return errorf(codeSerialization, "the request is not valid JSON: %v", err)
	}
	return nil
}

func writeJSON(w http.ResponseWriter, status int, value any) {
	body, err := json.Marshal(value)
	if err != nil {
		status, body = http.StatusInternalServerError, []byte(`{"__type":"InternalServiceException"}`)
	}
	w.Header().Set("Content-Type", "application/x-amz-json-1.1")
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	_, _ = w.Write(body)
}
