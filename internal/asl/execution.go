package asl

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"
)

// Services are what Tasks and Maps call. A *Failure is the state machine's to
// retry and catch; any other error ends the run of the interpreter.
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
	// Scale divides every wait.
	Scale float64
	// Entered, where it is set, is told of every state, and ends the run by its error.
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
		return nil, "", errors.New("InputPath is not known")
	}
	switch s.Type {
	case "Choice":
		for _, rule := range s.Choices {
			held, err := in.holds(rule)
			if err != nil {
				return nil, "", err
			}
			if held {
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
			return failure("States.Runtime", "%s is no number", s.SecondsPath)
		}
	}
	return e.pause(ctx, seconds)
}

func (e *Execution) pause(ctx context.Context, seconds float64) error {
	timer := time.NewTimer(time.Duration(seconds / e.Scale * float64(time.Second)))
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
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
		if at := slices.IndexFunc(s.Retry, func(r Retrier) bool { return matches(r.ErrorEquals, f.Name) }); at >= 0 {
			if delay, again := s.Retry[at].next(retried[at]); again {
				retried[at]++
				e.transitions.Add(1) // "each retry will be charged as an additional state transition" (Step Functions pricing)
				if err := e.pause(ctx, delay); err != nil {
					return nil, "", err
				}
				continue
			}
		}
		at := slices.IndexFunc(s.Catch, func(c Catcher) bool { return matches(c.ErrorEquals, f.Name) })
		if at < 0 {
			return nil, "", f
		}
		out, err = place(in.data, map[string]any{"Error": f.Name, "Cause": f.Cause}, s.Catch[at].ResultPath)
		return out, s.Catch[at].Next, err
	}
}

// next is the pause before the attempt after so many retries; defaults as in the language's specification.
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

func matches(names []string, name string) bool {
	return slices.Contains(names, name) || slices.Contains(names, "States.ALL") ||
		slices.Contains(names, "States.TaskFailed") && name != "States.Timeout"
}

func (e *Execution) attempt(ctx context.Context, s *State, in scope) (any, error) {
	var result any
	var err error
	switch {
	case s.Type == "Map":
		result, err = e.each(ctx, s, in)
	case s.Resource == "arn:aws:states:::lambda:invoke":
		result, err = e.invoke(ctx, s, in)
	case s.Resource == "arn:aws:states:::sns:publish":
		var parameters any
		if parameters, err = in.fill(s.Parameters); err == nil {
			err = e.Services.Publish(ctx, parameters)
		}
		result = map[string]any{}
	default:
		err = fmt.Errorf("resource %q is not known", s.Resource)
	}
	if err != nil {
		return nil, err
	}
	return in.finish(s, result)
}

// finish turns a result into a state's output.
func (in scope) finish(s *State, result any) (any, error) {
	var err error
	if s.ResultSelector != nil {
		if result, err = (scope{result, in.context}).fill(s.ResultSelector); err != nil {
			return nil, err
		}
	}
	if s.Type == "Pass" && s.Result != nil {
		result = s.Result
	} else if s.Type == "Pass" && s.Parameters != nil {
		if result, err = in.fill(s.Parameters); err != nil {
			return nil, err
		}
	}
	out, err := place(in.data, result, s.ResultPath)
	if err != nil || s.OutputPath == "" {
		return out, err
	}
	return scope{out, in.context}.path(s.OutputPath)
}

func (e *Execution) invoke(ctx context.Context, s *State, in scope) (any, error) {
	filled, err := in.fill(s.Parameters)
	if err != nil {
		return nil, err
	}
	parameters, _ := filled.(map[string]any)
	function, _ := parameters["FunctionName"].(string)
	payload, err := json.Marshal(parameters["Payload"])
	if err != nil {
		return nil, err
	}
	answer, err := e.Services.Invoke(ctx, function, payload)
	if err != nil {
		return nil, err
	}
	var out any
	if err := json.Unmarshal(answer, &out); err != nil {
		return nil, fmt.Errorf("read the answer of %s: %w", function, err)
	}
	return map[string]any{"Payload": out, "StatusCode": 200.0}, nil
}

// each runs the items of a Distributed Map, which tolerates no failed child.
func (e *Execution) each(ctx context.Context, s *State, in scope) (any, error) {
	items, err := e.items(ctx, s, in)
	if err != nil {
		return nil, err
	}
	limit := s.MaxConcurrency
	if s.MaxConcurrencyPath != "" {
		v, err := in.path(s.MaxConcurrencyPath)
		if err != nil {
			return nil, err
		}
		n, _ := v.(float64)
		limit = int(n)
	}
	if limit <= 0 {
		limit = 10_000 // the most that Step Functions runs at once
	}
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(limit)
	for i, item := range items {
		group.Go(func() error {
			e.children.Add(1)
			child := map[string]any{"Execution": in.context["Execution"], "Map": map[string]any{"Item": map[string]any{"Index": float64(i), "Value": item}}}
			input := item
			if s.ItemSelector != nil {
				var err error
				if input, err = (scope{in.data, child}).fill(s.ItemSelector); err != nil {
					return err
				}
			}
			_, err := e.run(ctx, &s.ItemProcessor.Machine, scope{input, child})
			if f, ok := errors.AsType[*Failure](err); ok {
				return failure("States.ExceedToleratedFailureThreshold", "an item failed: %v", f)
			}
			return err
		})
	}
	return map[string]any{}, group.Wait()
}

func (e *Execution) items(ctx context.Context, s *State, in scope) ([]any, error) {
	filled, err := in.fill(s.ItemReader.Parameters)
	if err != nil {
		return nil, err
	}
	at, _ := filled.(map[string]any)
	bucket, _ := at["Bucket"].(string)
	key, _ := at["Key"].(string)
	data, err := e.Services.Object(ctx, bucket, key)
	if err != nil {
		return nil, failure("States.ItemReaderFailed", "%v", err)
	}
	var items []any
	if err := json.Unmarshal(data, &items); err != nil {
		return nil, failure("States.ItemReaderFailed", "%s is no JSON array: %v", key, err)
	}
	return items, nil
}
