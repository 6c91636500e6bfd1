package events

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// Target is what a rule says about the input of one of its targets; at most one of the three ways is used.
type Target struct {
	Input         *string
	InputPath     *string
	InputPathsMap map[string]string
	InputTemplate *string
	RuleARN       string
	RuleName      string
}

// Payload returns the JSON document the target receives for an event.
func (t Target) Payload(event map[string]any) ([]byte, error) {
	switch {
	case t.Input != nil:
		return []byte(*t.Input), nil
	case t.InputPath != nil:
		value, ok, err := lookup(event, *t.InputPath)
		if err != nil {
			return nil, fmt.Errorf("input path: %w", err)
		}
		if !ok {
			return nil, fmt.Errorf("input path %q: not in the event", *t.InputPath)
		}
		return json.Marshal(value)
	case t.InputTemplate != nil:
		return t.transform(event)
	default:
		return json.Marshal(event)
	}
}

var variable = regexp.MustCompile(`<[A-Za-z0-9_.\-]+>`)

// transform fills an input template: inside a JSON string the variable's text, elsewhere its JSON
// (EventBridge User Guide, "Input transformation").
func (t Target) transform(event map[string]any) ([]byte, error) {
	values, err := t.variables(event)
	if err != nil {
		return nil, err
	}
	template := *t.InputTemplate
	var out strings.Builder
	rest := 0
	for _, at := range variable.FindAllStringIndex(template, -1) {
		name := template[at[0]+1 : at[1]-1]
		value, known := values[name]
		if !known {
			continue
		}
		out.WriteString(template[rest:at[0]])
		rest = at[1]
		text, err := json.Marshal(value)
		if err != nil {
			return nil, err
		}
		if s, ok := value.(string); ok && insideString(template[:at[0]]) {
			text, _ = json.Marshal(s)
			text = text[1 : len(text)-1]
		} else if insideString(template[:at[0]]) {
			text, _ = json.Marshal(string(text))
			text = text[1 : len(text)-1]
		}
		out.Write(text)
	}
	out.WriteString(template[rest:])
	if !json.Valid([]byte(out.String())) {
		return nil, fmt.Errorf("input template %q gives no JSON: %s", template, out.String())
	}
	return []byte(out.String()), nil
}

// variables holds the template's variables: the rule's paths and EventBridge's predefined ones. A path that is not
// in the event gives null.
func (t Target) variables(event map[string]any) (map[string]any, error) {
	values := map[string]any{
		"aws.events.rule-arn":             t.RuleARN,
		"aws.events.rule-name":            t.RuleName,
		"aws.events.event.ingestion-time": event["time"],
		"aws.events.event":                event,
		"aws.events.event.json":           event,
	}
	for name, path := range t.InputPathsMap {
		value, _, err := lookup(event, path)
		if err != nil {
			return nil, fmt.Errorf("input paths map: %s: %w", name, err)
		}
		values[name] = value
	}
	return values, nil
}

// insideString reports whether a position is within a JSON string, given the text before it.
func insideString(before string) bool {
	inside := false
	for i := 0; i < len(before); i++ {
		switch {
		case before[i] == '\\' && inside:
			i++
		case before[i] == '"':
			inside = !inside
		}
	}
	return inside
}

var pathStep = regexp.MustCompile(`^(?:\.([^.\[\]]+)|\[(\d+)\]|\['([^']+)'\])`)

// lookup follows the subset of JSONPath that EventBridge allows: fields and array indexes.
func lookup(event any, path string) (any, bool, error) {
	rest, ok := strings.CutPrefix(path, "$")
	if !ok {
		return nil, false, fmt.Errorf("path %q does not begin with $", path)
	}
	current := event
	for rest != "" {
		step := pathStep.FindStringSubmatch(rest)
		if step == nil {
			return nil, false, fmt.Errorf("path %q: cannot read %q", path, rest)
		}
		rest = rest[len(step[0]):]
		if current, ok = follow(current, step[1]+step[3], step[2]); !ok {
			return nil, false, nil
		}
	}
	return current, true, nil
}

func follow(value any, field, index string) (any, bool) {
	if index != "" {
		list, _ := value.([]any)
		i, err := strconv.Atoi(index)
		if err != nil || i >= len(list) {
			return nil, false
		}
		return list[i], true
	}
	object, _ := value.(map[string]any)
	inner, ok := object[field]
	return inner, ok
}
