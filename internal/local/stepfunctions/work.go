package stepfunctions

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"golang.org/x/sync/errgroup"
)

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
		err = fmt.Errorf("resource %q is not implemented", s.Resource)
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
	out, err := applyResultPath(in.data, result, s.ResultPath)
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
		return nil, failure("States.ItemReaderFailed", "%s is not a JSON array: %v", key, err)
	}
	return items, nil
}
