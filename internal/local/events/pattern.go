// Package events is the part of EventBridge that moto leaves out: which events a rule matches, and what its target
// receives.
package events

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
)

// Matches reports whether an event (a decoded JSON document) matches an event pattern. Of the operators in the
// EventBridge User Guide, "Comparison operators for use in event patterns", it knows prefix, suffix, wildcard and
// exists; any other one is an error, never a silent mismatch.
func Matches(pattern []byte, event map[string]any) (bool, error) {
	var p map[string]any
	if err := json.Unmarshal(pattern, &p); err != nil {
		return false, fmt.Errorf("parse event pattern: %w", err)
	}
	return matchObject(p, event)
}

// matchObject requires every field of the pattern to match. It compiles all fields, so that a wrong operator is an
// error for every event.
func matchObject(pattern, event map[string]any) (bool, error) {
	all := true
	for field, want := range pattern {
		ok, err := matchField(field, want, event)
		if err != nil {
			return false, fmt.Errorf("%s: %w", field, err)
		}
		all = all && ok
	}
	return all, nil
}

func matchField(field string, want any, event map[string]any) (bool, error) {
	switch want := want.(type) {
	case map[string]any:
		inner, _ := event[field].(map[string]any)
		return matchObject(want, inner)
	case []any:
		value, present := event[field]
		return matchAny(want, value, present)
	default:
		return false, fmt.Errorf("the value of a field is a list, not %v", want)
	}
}

// matchAny requires one condition to match one value. An array in the event matches by any of its elements.
func matchAny(conditions []any, value any, present bool) (bool, error) {
	values := []any{value}
	if list, ok := value.([]any); ok {
		values = list
	}
	matched := false
	for _, condition := range conditions {
		operator, ok := condition.(map[string]any)
		if !ok {
			matched = matched || present && slices.ContainsFunc(values, func(v any) bool { return reflect.DeepEqual(v, condition) })
			continue
		}
		if exists, ok := operator["exists"].(bool); ok {
			matched = matched || exists == present
			continue
		}
		test, err := compile(operator)
		if err != nil {
			return false, err
		}
		matched = matched || present && slices.ContainsFunc(values, test)
	}
	return matched, nil
}

// compile turns one operator, such as {"prefix": "catalogs/"}, into a test of one value.
func compile(operator map[string]any) (func(any) bool, error) {
	if len(operator) != 1 {
		return nil, fmt.Errorf("a condition has one operator, not %d", len(operator))
	}
	for name, argument := range operator {
		test, err := textTest(name, argument)
		return func(value any) bool {
			s, ok := value.(string)
			return ok && test(s)
		}, err
	}
	panic("unreachable")
}

func textTest(name string, argument any) (func(string) bool, error) {
	text, ok := argument.(string)
	switch name {
	case "prefix", "suffix", "wildcard":
		if !ok {
			return nil, fmt.Errorf("%s takes a string, not %v", name, argument)
		}
	}
	switch name {
	case "prefix":
		return func(s string) bool { return strings.HasPrefix(s, text) }, nil
	case "suffix":
		return func(s string) bool { return strings.HasSuffix(s, text) }, nil
	case "wildcard":
		return wildcard(text)
	default:
		return nil, fmt.Errorf("operator %q is not known here", name)
	}
}
