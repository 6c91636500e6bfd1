package glue_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/landfall/landfall/internal/local/glue"
)

// raw makes one call without a client, which would refuse or retry some.
func raw(h http.Handler, operation string, input any) (status int, code, message string) {
	body, ok := input.(string)
	if !ok {
		b, err := json.Marshal(input)
		if err != nil {
			panic(err)
		}
		body = string(b)
	}
	r := httptest.NewRequest(http.MethodPost, "/", bytes.NewBufferString(body))
	r.Header.Set("X-Amz-Target", "AWSGlue."+operation)
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	var e struct {
		Type    string `json:"__type"`
		Message string
	}
	if err := json.Unmarshal(w.Body.Bytes(), &e); err != nil {
		panic(err)
	}
	return w.Code, e.Type, e.Message
}

func TestRequestsThatAreNotCalls(t *testing.T) {
	server := glue.New(glue.Config{})
	defer server.Close()
	tests := map[string]struct {
		reason    string
		operation string
		input     any
		code      string
		words     string
	}{
		"Unknown": {
			reason:    "Unknown operations answer UnknownOperationException naming the operation.",
			operation: "CreateMLTransform", input: "{}", code: "UnknownOperationException", words: `"CreateMLTransform"`,
		},
		"Table": {
			reason:    "Databases and tables are served elsewhere.",
			operation: "GetTable", input: "{}", code: "UnknownOperationException", words: `"GetTable"`,
		},
		"NoTarget": {reason: "A request without X-Amz-Target is no call.", input: "{}", code: "UnknownOperationException"},
		"NotJSON":  {reason: "A body must be JSON.", operation: "GetJob", input: "{", code: "SerializationException"},
		"WrongType": {
			reason:    "DefaultArguments values not type-checked (ints pass to API, which wants strings)",
			operation: "CreateJob", input: `{"Name":"a","DefaultArguments":{"--n":1}}`, code: "SerializationException", words: "DefaultArguments",
		},
		"TooLarge": {reason: "A request has a limit.", operation: "GetJob", input: strings.Repeat(" ", 9<<20), code: "SerializationException"},
		"AllAtOnce": {
			reason:    "All violated constraints are reported at once.",
			operation: "CreateTrigger", input: `{"Type":"SOMETIMES"}`, code: "ValidationException",
			words: "3 validation errors detected: Value null at 'name'",
		},
		"Pattern": {
			reason:    `Blueprint name 1–128, [\.\-_A-Za-z0-9]+`,
			operation: "CreateBlueprint", input: `{"Name":"a b","BlueprintLocation":"s3://b/k.zip"}`, code: "ValidationException",
			words: `Value 'a b' at 'name' failed to satisfy constraint: Member must satisfy regular expression pattern: [\.\-_A-Za-z0-9]+`,
		},
		"Location": {
			reason:    "BlueprintLocation ^s3://([^/]+)/([^/]+/)*([^/]+)$",
			operation: "CreateBlueprint", input: `{"Name":"a","BlueprintLocation":"https://b/k.zip"}`, code: "ValidationException", words: "'blueprintLocation'",
		},
		"RoleARN": {
			reason:    "RoleArn arn:aws[^:]*:iam::[0-9]*:role/.+",
			operation: "StartBlueprintRun", input: `{"BlueprintName":"a","RoleArn":"admin"}`, code: "ValidationException", words: "'roleArn'",
		},
	}
	for name, tc := range tests {
		t.Run(name, func(t *testing.T) {
			status, code, message := raw(server, tc.operation, tc.input)
			if status != http.StatusBadRequest || code != tc.code || !strings.Contains(message, tc.words) {
				t.Errorf("%s\ngot %d %s %q", tc.reason, status, code, message)
			}
		})
	}
}

func TestHandlesOnlyWhatItServes(t *testing.T) {
	server := glue.New(glue.Config{})
	defer server.Close()
	for operation, want := range map[string]bool{
		"CreateBlueprint": true, "ResumeWorkflowRun": true, "UpdateTrigger": true, "BatchStopJobRun": true, "StopCrawler": true,
		"GetTags": true, "CreateDatabase": false, "GetPartitions": false, "CreateConnection": false, "": false,
	} {
		if server.Handles(operation) != want {
			t.Errorf("Handles(%q) is %v", operation, !want)
		}
	}
}
