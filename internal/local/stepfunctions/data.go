package stepfunctions

import (
	"encoding/json"
	"fmt"
	"maps"
	"strings"
)

// scope is what paths and templates see: a state's input, and the context object under $$.
type scope struct {
	data    any
	context map[string]any
}

// path resolves a reference path such as $.a.b or $$.Execution.Name. Filters,
// wildcards and indexes are not implemented.
func (s scope) path(p string) (any, error) {
	at, rest := s.data, strings.TrimPrefix(p, "$")
	if c, ok := strings.CutPrefix(p, "$$"); ok {
		at, rest = s.context, c
	}
	if rest == "" {
		return at, nil
	}
	if !strings.HasPrefix(p, "$") || !strings.HasPrefix(rest, ".") || strings.ContainsAny(rest, "[]*@?()") {
		return nil, fmt.Errorf("path %q is not implemented", p)
	}
	for name := range strings.SplitSeq(rest[1:], ".") {
		object, ok := at.(map[string]any)
		if !ok {
			return nil, failure("States.Runtime", "%s: there is no field %s", p, name)
		}
		if at, ok = object[name]; !ok {
			return nil, failure("States.Runtime", "%s: there is no field %s", p, name)
		}
	}
	return at, nil
}

// fill makes a value of a payload template: fields whose name ends in .$ are paths.
func (s scope) fill(template any) (any, error) {
	switch v := template.(type) {
	case map[string]any:
		out := make(map[string]any, len(v))
		for name, value := range v {
			var err error
			field, isPath := strings.CutSuffix(name, ".$")
			if isPath {
				text, ok := value.(string)
				if !ok || strings.HasPrefix(text, "States.") {
					return nil, fmt.Errorf("%s: %v is not a path", name, value)
				}
				out[field], err = s.path(text)
			} else {
				out[name], err = s.fill(value)
			}
			if err != nil {
				return nil, err
			}
		}
		return out, nil
	case []any:
		out := make([]any, len(v))
		for i := range v {
			var err error
			if out[i], err = s.fill(v[i]); err != nil {
				return nil, err
			}
		}
		return out, nil
	default:
		return v, nil
	}
}

// applyResultPath returns the input with the result at a ResultPath. It does not change the input.
func applyResultPath(input, result any, at json.RawMessage) (any, error) {
	switch string(at) {
	case "", `"$"`:
		return result, nil
	case "null":
		return input, nil
	}
	var p string
	if err := json.Unmarshal(at, &p); err != nil || !strings.HasPrefix(p, "$.") || strings.ContainsAny(p, "[]") {
		return nil, fmt.Errorf("ResultPath %s is not implemented", at)
	}
	return put(input, result, strings.Split(p[2:], "."))
}

func put(into, value any, names []string) (any, error) {
	if len(names) == 0 {
		return value, nil
	}
	object, ok := into.(map[string]any)
	if into != nil && !ok {
		return nil, failure("States.ResultPathMatchFailure", "%s is not within an object", names[0])
	}
	out := maps.Clone(object)
	if out == nil {
		out = map[string]any{}
	}
	inner, err := put(out[names[0]], value, names[1:])
	out[names[0]] = inner
	return out, err
}

// matches reports whether one rule of a Choice matches.
func (s scope) matches(rule map[string]any) (bool, error) {
	for name, want := range rule {
		switch name {
		case "Variable", "Next", "Comment":
		case "And", "Or":
			return s.combine(name, want.([]any))
		case "Not":
			matched, err := s.matches(want.(map[string]any))
			return !matched, err
		case "IsPresent":
			_, err := s.path(rule["Variable"].(string))
			if _, absent := err.(*Failure); err != nil && !absent {
				return false, err
			}
			return (err == nil) == want.(bool), nil
		default:
			got, err := s.path(rule["Variable"].(string))
			if err != nil {
				return false, err
			}
			return compare(name, got, want)
		}
	}
	return false, fmt.Errorf("the choice %v has no comparison", rule)
}

func (s scope) combine(operator string, rules []any) (bool, error) {
	for _, r := range rules {
		matched, err := s.matches(r.(map[string]any))
		if err != nil || matched == (operator == "Or") {
			return matched, err
		}
	}
	return operator == "And", nil
}

func compare(operator string, got, want any) (bool, error) {
	switch operator {
	case "StringEquals":
		text, ok := got.(string)
		return ok && text == want, nil
	case "BooleanEquals":
		b, ok := got.(bool)
		return ok && b == want, nil
	}
	number, ok := got.(float64)
	limit, isNumber := want.(float64)
	if !isNumber {
		return false, fmt.Errorf("the comparison %q is not implemented", operator)
	}
	switch operator {
	case "NumericEquals":
		return ok && number == limit, nil
	case "NumericGreaterThan":
		return ok && number > limit, nil
	case "NumericGreaterThanEquals":
		return ok && number >= limit, nil
	case "NumericLessThan":
		return ok && number < limit, nil
	case "NumericLessThanEquals":
		return ok && number <= limit, nil
	}
	return false, fmt.Errorf("the comparison %q is not implemented", operator)
}

// Failure is an error that a state machine can retry and catch: a name, by which it does, and a cause.
type Failure struct{ Name, Cause string }

func (f *Failure) Error() string { return f.Name + ": " + f.Cause }

func failure(name, format string, args ...any) *Failure {
	return &Failure{name, fmt.Sprintf(format, args...)}
}
