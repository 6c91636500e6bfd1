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

// Matches reports whether an event (a decoded JSON document) matches an event pattern. The operators are those of
// the EventBridge User Guide, "Comparison operators for use in event patterns", except cidr and numeric ranges over
// IP addresses; an operator that is not known is an error, never a silent mismatch.
func Matches(pattern []byte, event map[string]any) (bool, error) {
	var p map[string]any
	if err := json.Unmarshal(pattern, &p); err != nil {
		return false, fmt.Errorf("parse event pattern: %w", err)
	}
	return matchObject(p, event)
}

// matchObject: every field of the pattern has to match. All fields are looked at, so that a wrong operator shows
// whatever the event is.
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
		if field == "$or" {
			return matchOr(want, event)
		}
		value, present := event[field]
		return matchAny(want, value, present)
	default:
		return false, fmt.Errorf("an event pattern holds lists, not %v", want)
	}
}

func matchOr(alternatives []any, event map[string]any) (bool, error) {
	matched := false
	for _, alternative := range alternatives {
		object, ok := alternative.(map[string]any)
		if !ok {
			return false, fmt.Errorf("$or holds objects, not %v", alternative)
		}
		ok, err := matchObject(object, event)
		if err != nil {
			return false, err
		}
		matched = matched || ok
	}
	return matched, nil
}

// matchAny: one condition has to match one value. An array in the event matches by any of its elements.
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
		switch name {
		case "anything-but":
			return anythingBut(argument)
		case "numeric":
			return numeric(argument)
		}
		test, err := textTest(name, argument)
		if err != nil {
			return nil, err
		}
		return func(value any) bool {
			s, ok := value.(string)
			return ok && test(s)
		}, nil
	}
	panic("unreachable")
}

func textTest(name string, argument any) (func(string) bool, error) {
	if folded, ok := argument.(map[string]any); ok {
		text, ok := folded["equals-ignore-case"].(string)
		if !ok || (name != "prefix" && name != "suffix") {
			return nil, fmt.Errorf("%s: unknown condition %v", name, argument)
		}
		test, err := textTest(name, strings.ToLower(text))
		return func(s string) bool { return test(strings.ToLower(s)) }, err
	}
	text, ok := argument.(string)
	if !ok {
		return nil, fmt.Errorf("%s takes a string, not %v", name, argument)
	}
	switch name {
	case "prefix":
		return func(s string) bool { return strings.HasPrefix(s, text) }, nil
	case "suffix":
		return func(s string) bool { return strings.HasSuffix(s, text) }, nil
	case "equals-ignore-case":
		return func(s string) bool { return strings.EqualFold(s, text) }, nil
	case "wildcard":
		return wildcard(text)
	default:
		return nil, fmt.Errorf("operator %q is not known here", name)
	}
}

// anythingBut matches every value that the argument (values or one operator) does not match.
func anythingBut(argument any) (func(any) bool, error) {
	if operator, ok := argument.(map[string]any); ok {
		return notAny(operator)
	}
	values, ok := argument.([]any)
	if !ok {
		values = []any{argument}
	}
	return func(value any) bool {
		return !slices.ContainsFunc(values, func(v any) bool { return reflect.DeepEqual(v, value) })
	}, nil
}

func notAny(operator map[string]any) (func(any) bool, error) {
	var tests []func(any) bool
	for name, argument := range operator {
		arguments, ok := argument.([]any)
		if !ok {
			arguments = []any{argument}
		}
		for _, a := range arguments {
			test, err := compile(map[string]any{name: a})
			if err != nil {
				return nil, fmt.Errorf("anything-but: %w", err)
			}
			tests = append(tests, test)
		}
	}
	return func(value any) bool {
		return !slices.ContainsFunc(tests, func(test func(any) bool) bool { return test(value) })
	}, nil
}

// numeric takes pairs of comparison and number, all of which have to hold: [">", 0, "<=", 5].
func numeric(argument any) (func(any) bool, error) {
	list, _ := argument.([]any)
	if len(list) == 0 || len(list)%2 != 0 {
		return nil, fmt.Errorf("numeric takes pairs of comparison and number, not %v", argument)
	}
	for i := 0; i < len(list); i += 2 {
		sign, _ := list[i].(string)
		if _, ok := list[i+1].(float64); !ok || !slices.Contains([]string{"=", "<", "<=", ">", ">="}, sign) {
			return nil, fmt.Errorf("numeric: unknown comparison %v %v", list[i], list[i+1])
		}
	}
	return func(value any) bool {
		n, ok := value.(float64)
		for i := 0; ok && i < len(list); i += 2 {
			ok = compare(n, list[i].(string), list[i+1].(float64))
		}
		return ok
	}, nil
}

func compare(a float64, sign string, b float64) bool {
	switch sign {
	case "<":
		return a < b
	case "<=":
		return a <= b
	case ">":
		return a > b
	case ">=":
		return a >= b
	default:
		return a == b
	}
}
