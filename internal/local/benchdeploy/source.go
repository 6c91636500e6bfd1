package benchdeploy

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/landfall/landfall/internal/bundle"
	"github.com/landfall/landfall/internal/local/functions"
	"github.com/landfall/landfall/internal/local/stepfunctions"
	"github.com/landfall/landfall/statemachine"
)

// executionEnvironment is what AWS_EXECUTION_ENV begins with; the SDK puts it into its user agent.
const executionEnvironment = "AWS_Lambda_provided_"

// fastClock is the build tag with which functions take their time from the benchmark's clock.
const fastClock = "fastclock"

const machineARN = "arn:aws:states:" + region + ":" + account + ":stateMachine:Landfall-landing"

// artifacts are the part of a stack that does not depend on the tables.
type artifacts struct {
	machine *stepfunctions.Machine
	code    map[string][]byte   // by Task: its ZIP
	spec    map[string]function // by Task: as the stack's template has it
}

// parseDefinition reads the definition with its placeholders filled in: a Task's function is called as the Task.
func parseDefinition() (*stepfunctions.Machine, error) {
	values := map[string]string{"ArtifactsBucket": artifactsBucket, "TopicArn": "topic"}
	for _, task := range statemachine.Tasks() {
		values[statemachine.FunctionPlaceholder(task)] = task
	}
	definition, err := statemachine.Resolve(values)
	if err != nil {
		return nil, err
	}
	return stepfunctions.Parse(definition)
}

// function is what the template says about a function.
type function struct {
	MemorySize  int
	Timeout     int
	Environment struct{ Variables map[string]any }
}

// build compiles the Lambda functions and reads the stack's golden template, so
// that memory, timeouts and names of variables are those that are deployed.
func build(ctx context.Context, root string) (*artifacts, error) {
	machine, err := parseDefinition()
	if err != nil {
		return nil, err
	}
	d := &artifacts{machine: machine, code: map[string][]byte{}, spec: map[string]function{}}
	if err := d.readTemplate(filepath.Join(root, "infra", "testdata", "landing.golden.json")); err != nil {
		return nil, err
	}
	for _, task := range statemachine.Tasks() {
		if d.code[task], err = bundle.FunctionZIP(ctx, root, statemachine.Folder(task), bundle.Target{Tags: fastClock}); err != nil {
			return nil, err
		}
	}
	return d, nil
}

func (d *artifacts) readTemplate(file string) error {
	data, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	var template struct {
		Resources map[string]struct {
			Type       string
			Properties json.RawMessage
		}
	}
	if err := json.Unmarshal(data, &template); err != nil {
		return fmt.Errorf("read %s: %w", file, err)
	}
	tasks := statemachine.Tasks()
	for id, r := range template.Resources {
		if r.Type != "AWS::Lambda::Function" {
			continue
		}
		at := slices.IndexFunc(tasks, func(t string) bool { return strings.HasPrefix(id, t) && len(id) == len(t)+8 })
		if at < 0 {
			continue // not a Task's, such as watchtables
		}
		task := tasks[at]
		var f function
		if err := json.Unmarshal(r.Properties, &f); err != nil {
			return fmt.Errorf("read %s of %s: %w", id, file, err)
		}
		d.spec[task] = f
	}
	if len(d.spec) != len(tasks) {
		return fmt.Errorf("%s has %d functions of Tasks, want %d: run go test ./infra -update", file, len(d.spec), len(tasks))
	}
	return nil
}

// source is the deployed functions of one world.
type source struct {
	artifacts   *artifacts
	environment map[string]map[string]string // by Task
	revision    int                          // grows with every change of the environment
}

// Function implements functions.Source.
func (s *source) Function(_ context.Context, _, name string) (functions.Function, error) {
	spec, ok := s.artifacts.spec[name]
	if !ok {
		return functions.Function{}, functions.ErrNotFound
	}
	sum := sha256.Sum256(s.artifacts.code[name])
	return functions.Function{
		Name: name, ARN: "arn:aws:lambda:" + region + ":" + account + ":function:" + name, Version: "$LATEST", Region: region,
		Runtime: "provided.al2023", Handler: "bootstrap", PackageType: "Zip", Environment: s.environment[name],
		MemoryMB: spec.MemorySize, Timeout: time.Duration(spec.Timeout) * time.Second,
		CodeSHA256: base64.StdEncoding.EncodeToString(sum[:]), Revision: fmt.Sprint(s.revision),
	}, nil
}

// Code implements functions.Source.
func (s *source) Code(_ context.Context, f functions.Function) ([]byte, error) {
	return s.artifacts.code[f.Name], nil
}
