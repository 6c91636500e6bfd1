package stepfunctions

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"sync/atomic"
	"time"

	"github.com/landfall/landfall/internal/local/clock"
)

// Services are what Tasks and Maps call. The state machine retries and catches a
// *Failure; any other error ends Run.
type Services interface {
	// Invoke calls a Lambda function and returns its payload.
	Invoke(ctx context.Context, function string, payload []byte) ([]byte, error)
	// Publish sends a message to SNS.
	Publish(ctx context.Context, parameters any) error
	// Object reads the array that a Map works on.
	Object(ctx context.Context, bucket, key string) ([]byte, error)
}

// Execution is one execution of a machine.
type Execution struct {
	Machine  *Machine
	Services Services
	Name     string
	ARN      string
	// Scale divides every wait; zero leaves the waits as they are.
	Scale float64
	// Entered, where it is set, is called for every state that is entered; its error ends Run.
	Entered func(state string) error

	transitions atomic.Int64
	children    atomic.Int64
}

// Ended is how an execution ended. Status is SUCCEEDED or FAILED.
type Ended struct {
	Status      string
	Output      json.RawMessage
	Failure     *Failure
	Transitions int // states entered and retries, those of the Map's children included
	Children    int // child executions of the Map
}

// Run runs the execution to its end.
func (e *Execution) Run(ctx context.Context, input json.RawMessage) (Ended, error) {
	var data any
	if err := json.Unmarshal(input, &data); err != nil {
		return Ended{}, fmt.Errorf("read the input: %w", err)
	}
	contextObject := map[string]any{"Execution": map[string]any{
		"Name": e.Name, "Id": e.ARN, "StartTime": time.Now().UTC().Format("2006-01-02T15:04:05.000Z"), "Input": data,
	}}
	out, err := e.run(ctx, e.Machine, scope{data, contextObject})
	ended := Ended{Status: "SUCCEEDED", Transitions: int(e.transitions.Load()), Children: int(e.children.Load())}
	if f, ok := errors.AsType[*Failure](err); ok {
		ended.Status, ended.Failure = "FAILED", f
		return ended, nil
	}
	if err != nil {
		return ended, err
	}
	ended.Output, err = json.Marshal(out)
	return ended, err
}

// run goes from state to state until one is terminal.
func (e *Execution) run(ctx context.Context, m *Machine, s scope) (any, error) {
	for name := m.StartAt; ; {
		state := m.States[name]
		e.transitions.Add(1)
		if e.Entered != nil {
			if err := e.Entered(name); err != nil {
				return nil, err
			}
		}
		out, next, err := e.step(ctx, state, s)
		if err != nil {
			return nil, fmt.Errorf("state %s: %w", name, err)
		}
		s.data = out
		if next == "" {
			return out, nil
		}
		name = next
	}
}

func (e *Execution) step(ctx context.Context, s *State, in scope) (out any, next string, err error) {
	if s.InputPath != "" {
		return nil, "", errors.New("InputPath is not implemented")
	}
	switch s.Type {
	case "Choice":
		for _, rule := range s.Choices {
			matched, err := in.matches(rule)
			if err != nil {
				return nil, "", err
			}
			if matched {
				return in.data, rule["Next"].(string), nil
			}
		}
		return in.data, s.Default, nil
	case "Wait":
		return in.data, s.Next, e.wait(ctx, s, in)
	case "Succeed":
		return in.data, "", nil
	case "Fail":
		return nil, "", s.fail(in)
	case "Pass":
		out, err := in.finish(s, in.data)
		return out, s.Next, err
	default:
		return e.work(ctx, s, in)
	}
}

func (e *Execution) wait(ctx context.Context, s *State, in scope) error {
	seconds := s.Seconds
	if s.SecondsPath != "" {
		v, err := in.path(s.SecondsPath)
		if err != nil {
			return err
		}
		var ok bool
		if seconds, ok = v.(float64); !ok {
			return failure("States.Runtime", "%s is not a number", s.SecondsPath)
		}
	}
	return e.sleep(ctx, seconds)
}

func (e *Execution) sleep(ctx context.Context, seconds float64) error {
	return clock.Fast(e.Scale, time.Time{}).Sleep(ctx, time.Duration(seconds*float64(time.Second)))
}

func (s *State) fail(in scope) error {
	f := &Failure{Name: s.Error, Cause: s.Cause}
	for _, from := range []struct {
		path string
		to   *string
	}{{s.ErrorPath, &f.Name}, {s.CausePath, &f.Cause}} {
		if from.path == "" {
			continue
		}
		v, err := in.path(from.path)
		if err != nil {
			return err
		}
		*from.to, _ = v.(string)
	}
	return f
}

// work runs a Task or a Map with its Retry and Catch.
func (e *Execution) work(ctx context.Context, s *State, in scope) (any, string, error) {
	retried := make([]int, len(s.Retry))
	for {
		out, err := e.attempt(ctx, s, in)
		if err == nil {
			return out, s.Next, nil
		}
		f, ok := errors.AsType[*Failure](err)
		if !ok {
			return nil, "", err
		}
		if at := slices.IndexFunc(s.Retry, func(r Retrier) bool { return handles(r.ErrorEquals, f.Name) }); at >= 0 {
			if delay, again := s.Retry[at].next(retried[at]); again {
				retried[at]++
				e.transitions.Add(1) // "each retry will be charged as an additional state transition" (Step Functions pricing)
				if err := e.sleep(ctx, delay); err != nil {
					return nil, "", err
				}
				continue
			}
		}
		at := slices.IndexFunc(s.Catch, func(c Catcher) bool { return handles(c.ErrorEquals, f.Name) })
		if at < 0 {
			return nil, "", f
		}
		out, err = applyResultPath(in.data, map[string]any{"Error": f.Name, "Cause": f.Cause}, s.Catch[at].ResultPath)
		return out, s.Catch[at].Next, err
	}
}

// next returns the delay before the next attempt after so many retries, and whether there is one. The defaults are
// those of the language's specification.
func (r Retrier) next(done int) (seconds float64, again bool) {
	most, interval, rate := 3, r.IntervalSeconds, r.BackoffRate
	if r.MaxAttempts != nil {
		most = *r.MaxAttempts
	}
	if interval == 0 {
		interval = 1
	}
	if rate == 0 {
		rate = 2
	}
	seconds = interval * math.Pow(rate, float64(done))
	if r.MaxDelaySeconds > 0 {
		seconds = min(seconds, r.MaxDelaySeconds)
	}
	return seconds, done < most
}

func handles(names []string, name string) bool {
	return slices.Contains(names, name) || slices.Contains(names, "States.ALL") ||
		slices.Contains(names, "States.TaskFailed") && name != "States.Timeout"
}
