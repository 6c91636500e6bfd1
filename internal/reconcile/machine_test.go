package reconcile_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/landfall/landfall/statemachine"
)

// errStopped says that the execution was stopped from outside.
var errStopped = errors.New("the execution was stopped")

// machine follows the real definition. It knows the parts of the Amazon States
// Language that the definition uses, and waits for milliseconds where that waits for seconds.
type machine struct {
	tasks map[string]func(ctx context.Context, in json.RawMessage) (any, error)
	// kind names an error as Step Functions sees it.
	kind func(error) string
	// read returns an object of the artifacts bucket.
	read func(ctx context.Context, key string) ([]byte, error)
	// entered is told of every state, and stops the execution by its error.
	entered func(state string) error
	pause   time.Duration
}

type machineState struct {
	Type, Resource, Next, Default     string
	Parameters, ResultSelector        map[string]any
	InputPath, ResultPath, OutputPath *string
	SecondsPath, MaxConcurrencyPath   string
	ErrorPath, CausePath              string
	Choices                           []map[string]any
	Retry                             []struct {
		ErrorEquals []string
		MaxAttempts int
	}
	Catch []struct {
		ErrorEquals      []string
		ResultPath, Next string
	}
	ItemReader    struct{ Parameters map[string]any }
	ItemProcessor states
	raw           map[string]json.RawMessage
}

type states struct {
	StartAt string
	States  map[string]machineState
}

// definition is the state machine, parsed once.
var definition = sync.OnceValue(func() states {
	var s states
	if err := json.Unmarshal([]byte(statemachine.Definition), &s); err != nil {
		panic(err)
	}
	return s
})

// run goes through the states until one ends, and returns its output.
func (m *machine) run(ctx context.Context, s states, context_ map[string]any, input any) (any, error) {
	data := plain(input)
	for name := s.StartAt; name != ""; {
		if err := m.entered(name); err != nil {
			return nil, err
		}
		state := s.States[name]
		next := state.Next
		var err error
		switch state.Type {
		case "Succeed":
			return data, nil
		case "Fail":
			return data, nil
		case "Wait":
			time.Sleep(m.pause)
		case "Choice":
			next = choose(state, data)
		case "Map":
			err = m.each(ctx, state, context_, data)
		case "Task":
			data, err = m.task(ctx, name, state, context_, data)
		default:
			panic("state of type " + state.Type)
		}
		if errors.Is(err, errStopped) {
			return nil, err
		}
		if err != nil {
			if len(state.Catch) == 0 {
				return nil, fmt.Errorf("%s: %w", name, err)
			}
			data = put(data, state.Catch[0].ResultPath, map[string]any{"Error": m.kind(err), "Cause": err.Error()})
			next = state.Catch[0].Next
		}
		name = next
	}
	return data, nil
}

func (m *machine) task(ctx context.Context, name string, s machineState, context_ map[string]any, data any) (any, error) {
	if s.Resource != "arn:aws:states:::lambda:invoke" {
		return data, nil // the notice
	}
	payload, err := json.Marshal(fillIn(s.Parameters, context_, data).(map[string]any)["Payload"])
	if err != nil {
		panic(err)
	}
	var out any
	for attempt := 0; ; attempt++ {
		out, err = m.tasks[name](ctx, payload)
		if err == nil {
			break
		}
		if errors.Is(err, errStopped) {
			return data, err
		}
		if len(s.Retry) == 0 || !slices.Contains(s.Retry[0].ErrorEquals, m.kind(err)) || attempt >= s.Retry[0].MaxAttempts {
			return data, err
		}
	}
	result := any(map[string]any{"Payload": plain(out)})
	if s.ResultSelector != nil {
		result = fillIn(s.ResultSelector, context_, result)
	}
	switch {
	case s.ResultPath == nil:
		data = result
	default:
		data = put(data, *s.ResultPath, result)
	}
	if s.OutputPath != nil {
		data = get(*s.OutputPath, context_, data)
	}
	return data, nil
}

// each runs the Map's children; ResultPath is null, so the data stays.
func (m *machine) each(ctx context.Context, s machineState, context_ map[string]any, data any) error {
	key := fillIn(s.ItemReader.Parameters, context_, data).(map[string]any)["Key"].(string)
	body, err := m.read(ctx, key)
	if err != nil {
		return err
	}
	var items []any
	if err := json.Unmarshal(body, &items); err != nil {
		return err
	}
	slots := make(chan struct{}, int(get(s.MaxConcurrencyPath, context_, data).(float64)))
	errs := make([]error, len(items))
	var group sync.WaitGroup
	for i, item := range items {
		slots <- struct{}{}
		group.Go(func() {
			defer func() { <-slots }()
			_, errs[i] = m.run(ctx, s.ItemProcessor, context_, item)
		})
	}
	group.Wait()
	return errors.Join(errs...)
}

func choose(s machineState, data any) string {
	for _, c := range s.Choices {
		if matches(c, data) {
			return c["Next"].(string)
		}
	}
	return s.Default
}

func matches(c map[string]any, data any) bool {
	if all, ok := c["And"].([]any); ok {
		return !slices.ContainsFunc(all, func(one any) bool { return !matches(one.(map[string]any), data) })
	}
	value := get(c["Variable"].(string), nil, data)
	for operator, want := range c {
		switch operator {
		case "StringEquals", "BooleanEquals":
			return value == want
		case "NumericGreaterThan":
			return value.(float64) > want.(float64)
		case "IsPresent":
			return (value != nil) == want.(bool)
		}
	}
	panic(fmt.Sprintf("choice %v", c))
}

// fillIn resolves the names that end in ".$".
func fillIn(template any, context_ map[string]any, data any) any {
	object, ok := template.(map[string]any)
	if !ok {
		return template
	}
	out := map[string]any{}
	for name, value := range object {
		if field, ok := strings.CutSuffix(name, ".$"); ok {
			out[field] = get(value.(string), context_, data)
		} else {
			out[name] = fillIn(value, context_, data)
		}
	}
	return out
}

// get follows a path such as $.plan.toApply or $$.Execution.Name; nil when there is nothing.
func get(path string, context_ map[string]any, data any) any {
	at := data
	if rest, ok := strings.CutPrefix(path, "$$"); ok {
		at, path = any(context_), "$"+rest
	}
	for name := range strings.SplitSeq(strings.TrimPrefix(strings.TrimPrefix(path, "$"), "."), ".") {
		if name == "" {
			continue
		}
		object, ok := at.(map[string]any)
		if !ok {
			return nil
		}
		at = object[name]
	}
	return at
}

// put sets $ or $.name.
func put(data any, path string, value any) any {
	if path == "$" {
		return value
	}
	object, _ := data.(map[string]any)
	out := map[string]any{}
	for k, v := range object {
		out[k] = v
	}
	out[strings.TrimPrefix(path, "$.")] = value
	return out
}

// plain is a value as it comes out of JSON.
func plain(v any) any {
	data, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	var out any
	if err := json.Unmarshal(data, &out); err != nil {
		panic(err)
	}
	return out
}
