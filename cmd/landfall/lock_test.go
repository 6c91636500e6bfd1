package main

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/sfn"

	"github.com/landfall/landfall/internal/keys"
)

// whenSaid calls back once, as soon as a text is written.
type whenSaid struct {
	bytes.Buffer
	text string
	then func()
}

func (w *whenSaid) Write(p []byte) (int, error) {
	n, err := w.Buffer.Write(p)
	if w.then != nil && strings.Contains(w.String(), w.text) {
		w.then()
		w.then = nil
	}
	return n, err
}

// A deployment of a catalog that another execution works on says whose end it waits for, and goes on after it.
func testLocked(t *testing.T, d *testStack) {
	machines := sfn.NewFromConfig(d.Config)
	machine, err := machines.CreateStateMachine(t.Context(), &sfn.CreateStateMachineInput{
		Name: new("Other"), RoleArn: new("arn:aws:iam::123456789012:role/other"), Definition: new(`{"StartAt": "W", "States": {"W": {"Type": "Wait", "Seconds": 3600, "End": true}}}`),
	})
	if err != nil {
		t.Fatal(err)
	}
	holder, err := machines.StartExecution(t.Context(), &sfn.StartExecutionInput{StateMachineArn: machine.StateMachineArn, Name: new("the-first")})
	if err != nil {
		t.Fatal(err)
	}
	lock, err := json.Marshal(map[string]string{"execution": "the-first", "executionArn": *holder.ExecutionArn, "since": "2026-11-24T21:10:00Z"})
	if err != nil {
		t.Fatal(err)
	}
	if err := d.Artifacts.Put(t.Context(), keys.Lock("hr"), lock, "application/json"); err != nil {
		t.Fatal(err)
	}
	want := "Catalog hr is worked on by execution the-first, since 2026-11-24 21:10:00 UTC. Waiting for its end.  " + *holder.ExecutionArn
	talk := &whenSaid{text: want, then: func() {
		if _, err := machines.StopExecution(t.Context(), &sfn.StopExecutionInput{ExecutionArn: holder.ExecutionArn}); err != nil {
			t.Error(err)
		}
	}}
	var out bytes.Buffer
	code := run(t.Context(), []string{"deploy", "--catalog", "hr"}, strings.NewReader(""), &out, talk)
	if code != exitOK || strings.Count(talk.String(), want) != 1 {
		t.Errorf("exit code %d, want 0 and to be told once whom it waits for; stderr:\n%s", code, talk)
	}
}
