// Package stepfunctions interprets the part of the Amazon States Language that Landfall's
// state machine uses. Two users need what moto's interpreter cannot do. The tests of
// reconcile run the real definition in process: they stop it at every state, make every
// AWS call fail, and wait in virtual time. The benchmark of deployments runs it for ten
// thousand tables with waits scaled down: moto waits in real seconds and takes 80 ms of
// a processor per table. A field, type or function that the interpreter does not
// implement is an error, so that it cannot silently differ from Step Functions.
//
// The language: states-language.net/spec.html; Distributed Map and the services'
// integrations: the Step Functions Developer Guide.
package stepfunctions

import (
	"bytes"
	"encoding/json"
	"fmt"
)

// Machine is one parsed definition.
type Machine struct {
	Comment string
	StartAt string
	States  map[string]*State
}

// State is one state; only the fields that its type has are set.
type State struct {
	Comment string
	Type    string
	Next    string
	End     bool

	Resource       string
	Parameters     any
	ResultSelector any
	// Result is what a Pass state returns.
	Result any
	// ResultPath is a path, null, or absent, which means "$".
	ResultPath json.RawMessage
	InputPath  string
	OutputPath string
	Retry      []Retrier
	Catch      []Catcher

	Choices []map[string]any
	Default string

	Seconds     float64
	SecondsPath string

	Error, ErrorPath, Cause, CausePath string

	Label              string
	ItemReader         *ItemReader
	ItemSelector       any
	ItemProcessor      *Processor
	MaxConcurrency     int
	MaxConcurrencyPath string
	ResultWriter       json.RawMessage
}

// Retrier is one element of Retry.
type Retrier struct {
	ErrorEquals     []string
	IntervalSeconds float64
	BackoffRate     float64
	MaxAttempts     *int
	MaxDelaySeconds float64
	JitterStrategy  string
}

// Catcher is one element of Catch.
type Catcher struct {
	ErrorEquals []string
	ResultPath  json.RawMessage
	Next        string
}

// ItemReader says where a Distributed Map reads its items.
type ItemReader struct {
	Resource     string
	ReaderConfig struct{ InputType string }
	Parameters   any
}

// Processor is what a Map runs for each item.
type Processor struct {
	ProcessorConfig struct{ Mode, ExecutionType string }
	Machine
}

// Parse reads a definition. A field that the interpreter does not implement is an error.
func Parse(definition string) (*Machine, error) {
	decoder := json.NewDecoder(bytes.NewReader([]byte(definition)))
	decoder.DisallowUnknownFields()
	var m Machine
	if err := decoder.Decode(&m); err != nil {
		return nil, fmt.Errorf("read the definition: %w", err)
	}
	return &m, m.check()
}

func (m *Machine) check() error {
	if m.States[m.StartAt] == nil {
		return fmt.Errorf("StartAt names %q, which is not a state", m.StartAt)
	}
	for name, s := range m.States {
		switch s.Type {
		case "Task", "Choice", "Wait", "Pass", "Succeed", "Fail":
		case "Map":
			if s.ItemProcessor == nil || s.ItemReader == nil || s.ItemProcessor.ProcessorConfig.Mode != "DISTRIBUTED" || s.ItemReader.ReaderConfig.InputType != "JSON" {
				return fmt.Errorf("state %q: only a Distributed Map over a JSON array in S3 is implemented", name)
			}
			if err := s.ItemProcessor.check(); err != nil {
				return err
			}
		default:
			return fmt.Errorf("state %q: type %q is not implemented", name, s.Type)
		}
		targets := []string{s.Next, s.Default}
		for _, c := range s.Catch {
			targets = append(targets, c.Next)
		}
		for _, target := range targets {
			if target != "" && m.States[target] == nil {
				return fmt.Errorf("state %q goes to %q, which is not a state", name, target)
			}
		}
	}
	return nil
}
