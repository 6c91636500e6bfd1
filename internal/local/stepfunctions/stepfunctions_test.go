package stepfunctions_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/landfall/landfall/internal/local/stepfunctions"
	"github.com/landfall/landfall/statemachine"
)

// services answer as the test says.
type services struct {
	invoke    func(function string, payload map[string]any) (string, error)
	objects   map[string]string
	published []any
}

func (s *services) Invoke(_ context.Context, function string, payload []byte) ([]byte, error) {
	var in map[string]any
	if err := json.Unmarshal(payload, &in); err != nil {
		return nil, err
	}
	out, err := s.invoke(function, in)
	return []byte(out), err
}

func (s *services) Publish(_ context.Context, parameters any) error {
	s.published = append(s.published, parameters)
	return nil
}

func (s *services) Object(_ context.Context, bucket, key string) ([]byte, error) {
	if o, ok := s.objects[bucket+"/"+key]; ok {
		return []byte(o), nil
	}
	return nil, fmt.Errorf("no object %s", key)
}

func execute(t *testing.T, states, input string, s *services) stepfunctions.Ended {
	t.Helper()
	machine, err := stepfunctions.Parse(`{"StartAt": "A", "States": {` + states + `}}`)
	if err != nil {
		t.Fatal(err)
	}
	ended, err := (&stepfunctions.Execution{Machine: machine, Services: s, Name: "e", ARN: "arn:e", Scale: 1e6}).Run(t.Context(), json.RawMessage(input))
	if err != nil {
		t.Fatal(err)
	}
	return ended
}

const task = `"Type": "Task", "Resource": "arn:aws:states:::lambda:invoke"`

func TestExecutionEndsAsTheLanguageSays(t *testing.T) {
	answer := func(out string) func(string, map[string]any) (string, error) {
		return func(string, map[string]any) (string, error) { return out, nil }
	}
	cases := map[string]struct {
		reason, states, input string
		invoke                func(string, map[string]any) (string, error)
		want                  string
		transitions           int
	}{
		"templates and paths": {
			"fields that end in .$ are paths, $$ is the context object",
			`"A": {"Type": "Pass", "Parameters": {"n.$": "$$.Execution.Name", "x.$": "$.a.b", "c": {"d": 1}}, "End": true}`, `{"a": {"b": [2]}}`, nil,
			`{"c":{"d":1},"n":"e","x":[2]}`, 1,
		},
		"result path": {
			"the result goes into the input, which keeps the rest",
			`"A": {` + task + `, "Parameters": {"FunctionName": "f", "Payload.$": "$"}, "ResultSelector": {"s.$": "$.Payload.status"}, "ResultPath": "$.b.c", "End": true}`, `{"b": {"d": 1}}`,
			answer(`{"status": "done", "more": 1}`), `{"b":{"c":{"s":"done"},"d":1}}`, 1,
		},
		"result path null": {
			"the result is dropped",
			`"A": {` + task + `, "Parameters": {"FunctionName": "f", "Payload": {}}, "ResultPath": null, "End": true}`, `{"k": 1}`, answer(`{}`), `{"k":1}`, 1,
		},
		"output path": {
			"Lambda's answer is wrapped",
			`"A": {` + task + `, "Parameters": {"FunctionName": "f", "Payload": {}}, "OutputPath": "$.Payload", "End": true}`, `{}`, answer(`{"k": 2}`), `{"k":2}`, 1,
		},
		"choice": {
			"the first rule that holds; an absent field is no error for IsPresent",
			`"A": {"Type": "Choice", "Choices": [{"Variable": "$.none", "IsPresent": true, "Next": "X"}, {"And": [{"Variable": "$.b", "BooleanEquals": false}, {"Variable": "$.n", "NumericGreaterThan": 3}], "Next": "Y"}], "Default": "X"},
			"X": {"Type": "Fail", "Error": "wrong"}, "Y": {"Type": "Succeed"}`, `{"b": false, "n": 4}`, nil, `{"b":false,"n":4}`, 2,
		},
		"fail by path": {
			"error and cause are in the data",
			`"A": {"Type": "Fail", "ErrorPath": "$.e", "CausePath": "$.c"}`, `{"e": "TablesFailed", "c": "1 failed"}`, nil, `TablesFailed: 1 failed`, 1,
		},
		"no field": {
			"a path that leads nowhere fails the execution, as on AWS",
			`"A": {"Type": "Pass", "Parameters": {"x.$": "$.a.b"}, "End": true}`, `{"a": {}}`, nil, `States.Runtime: $.a.b: there is no field b`, 1,
		},
		"wait": {
			"the seconds are in the data",
			`"A": {"Type": "Wait", "SecondsPath": "$.s", "Next": "B"}, "B": {"Type": "Succeed"}`, `{"s": 5}`, nil, `{"s":5}`, 2,
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			ended := execute(t, c.states, c.input, &services{invoke: c.invoke})
			got := string(ended.Output)
			if ended.Failure != nil {
				got = ended.Failure.Error()
			}
			if got != c.want || ended.Transitions != c.transitions {
				t.Errorf("%s after %d transitions, want %s after %d: %s", got, ended.Transitions, c.want, c.transitions, c.reason)
			}
		})
	}
}

func TestRetryAndCatch(t *testing.T) {
	const states = `"A": {` + task + `, "Parameters": {"FunctionName": "f", "Payload": {}},
		"Retry": [{"ErrorEquals": ["Unavailable"], "IntervalSeconds": 1, "BackoffRate": 2, "MaxAttempts": 2}],
		"Catch": [{"ErrorEquals": ["States.ALL"], "ResultPath": "$.error", "Next": "B"}], "Next": "C"},
		"B": {"Type": "Succeed"}, "C": {"Type": "Succeed"}`
	cases := map[string]struct {
		reason      string
		errors      []string
		want        string
		transitions int
	}{
		"retried":      {"two errors, two retries, each a transition", []string{"Unavailable", "Unavailable"}, `{"Payload":{},"StatusCode":200}`, 4},
		"retries done": {"then it is caught, with its name", []string{"Unavailable", "Unavailable", "Unavailable"}, `{"error":{"Cause":"c","Error":"Unavailable"}}`, 4},
		"not retried":  {"another error", []string{"CatalogInvalid"}, `{"error":{"Cause":"c","Error":"CatalogInvalid"}}`, 2},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			n := 0
			ended := execute(t, states, `{}`, &services{invoke: func(string, map[string]any) (string, error) {
				n++
				if n <= len(c.errors) {
					return "", &stepfunctions.Failure{Name: c.errors[n-1], Cause: "c"}
				}
				return `{}`, nil
			}})
			if string(ended.Output) != c.want || ended.Transitions != c.transitions {
				t.Errorf("%s after %d transitions, want %s after %d: %s", ended.Output, ended.Transitions, c.want, c.transitions, c.reason)
			}
		})
	}
}

const mapState = `"A": {"Type": "Map", "Label": "M", "MaxConcurrency": 3, "ResultPath": null, "End": true,
	"ItemReader": {"Resource": "arn:aws:states:::s3:getObject", "ReaderConfig": {"InputType": "JSON"}, "Parameters": {"Bucket": "b", "Key.$": "$.key"}},
	"ItemSelector": {"item.$": "$$.Map.Item.Value", "key.$": "$.key"},
	"ItemProcessor": {"ProcessorConfig": {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"}, "StartAt": "T", "States": {
		"T": {` + task + `, "Parameters": {"FunctionName": "f", "Payload.$": "$"}, "End": true}}}}`

func TestMapRunsEveryItemAndNotMoreAtOnceThanItMay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var now, most, total atomic.Int64
		s := &services{objects: map[string]string{"b/changes.json": `[1,2,3,4,5,6,7,8,9,10]`}, invoke: func(_ string, in map[string]any) (string, error) {
			n := now.Add(1)
			for m := most.Load(); n > m && !most.CompareAndSwap(m, n); m = most.Load() {
			}
			time.Sleep(time.Second)
			now.Add(-1)
			total.Add(int64(in["item"].(float64)))
			return `{}`, nil
		}}
		ended := execute(t, mapState, `{"key": "changes.json"}`, s)
		if ended.Children != 10 || total.Load() != 55 || most.Load() != 3 || ended.Transitions != 11 || string(ended.Output) != `{"key":"changes.json"}` {
			t.Errorf("%+v, sum %d, %d at once; want 10 children, 55, 3, 11 transitions and the input kept", ended, total.Load(), most.Load())
		}
	})
}

func TestMapFailsWithAFailedItem(t *testing.T) {
	s := &services{objects: map[string]string{"b/k": `[1]`}, invoke: func(string, map[string]any) (string, error) { return "", &stepfunctions.Failure{Name: "Internal"} }}
	ended := execute(t, mapState, `{"key": "k"}`, s)
	if ended.Failure == nil || ended.Failure.Name != "States.ExceedToleratedFailureThreshold" {
		t.Errorf("%+v", ended.Failure)
	}
}

// What is not known must be refused, not guessed.
func TestParseRefusesWhatItDoesNotKnow(t *testing.T) {
	for name, states := range map[string]string{
		"a field":       `"A": {"Type": "Wait", "TimestampPath": "$.t", "End": true}`,
		"a type":        `"A": {"Type": "Parallel", "End": true}`,
		"an inline Map": `"A": {"Type": "Map", "ItemProcessor": {"ProcessorConfig": {"Mode": "INLINE"}, "StartAt": "T", "States": {"T": {"Type": "Succeed"}}}, "End": true}`,
		"a target":      `"A": {"Type": "Pass", "Next": "B"}`,
	} {
		if _, err := stepfunctions.Parse(`{"StartAt": "A", "States": {` + states + `}}`); err == nil {
			t.Errorf("%s is accepted", name)
		}
	}
}

func TestTheDefinitionIsKnown(t *testing.T) {
	if _, err := stepfunctions.Parse(strings.ReplaceAll(statemachine.Definition, "${", "{")); err != nil {
		t.Error(err)
	}
}
