package glue

import (
	"bytes"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// parameterSpec is what blueprint.cfg declares, by parameter name.
type parameterSpec map[string]*parameter

// parameter is one declared parameter. Absent keys are shown as null, an absent collection as false.
type parameter struct {
	Type          string          `json:"type"`
	Collection    bool            `json:"collection"`
	Description   *string         `json:"description"`
	DefaultValue  json.RawMessage `json:"defaultValue"`
	AllowedValues []any           `json:"allowedValues"`
}

var (
	parameterTypes = []string{"String", "Integer", "Double", "Boolean", "S3Uri", "S3Bucket", "IAMRoleArn", "IAMRoleName"}
	parameterForms = map[string]*regexp.Regexp{
		"S3Uri":       regexp.MustCompile(`^s3://[^/]+(/.*)?$`),
		"S3Bucket":    regexp.MustCompile(`^(s3://)?[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]/?$`),
		"IAMRoleArn":  regexp.MustCompile(`^arn:aws[^:]*:iam::[0-9]*:role/.+$`),
		"IAMRoleName": regexp.MustCompile(`^[\w+=,.@-]{1,64}$`),
	}
)

func (p *parameter) optional() bool {
	return len(p.DefaultValue) > 0 && string(p.DefaultValue) != "null"
}

// check reports a declaration that is not valid.
func (spec parameterSpec) check() error {
	for _, name := range names(spec) {
		p := spec[name]
		if p == nil || !slices.Contains(parameterTypes, p.Type) {
			return fmt.Errorf("parameter %s: type must be one of %s", name, strings.Join(parameterTypes, ", "))
		}
	}
	return nil
}

func (spec parameterSpec) text() string {
	if spec == nil {
		return "{}"
	}
	return string(marshal(map[string]*parameter(spec)))
}

// resolve checks a blueprint run's parameters against the declaration and returns the layout generator's: the declared
// ones, with defaults.
func (spec parameterSpec) resolve(text string, b Unknowns) (map[string]json.RawMessage, error) {
	given := map[string]json.RawMessage{}
	if text != "" {
		if err := json.Unmarshal([]byte(text), &given); err != nil {
			return nil, invalid("Parameters is not a JSON object: %v", err)
		}
	}
	var wrong []string
	for _, name := range names(given) {
		if spec[name] == nil && !b.IgnoreUnknownParameters {
			wrong = append(wrong, fmt.Sprintf("parameter %s is not declared", name))
		}
	}
	values := map[string]json.RawMessage{}
	for _, name := range names(spec) {
		p, v := spec[name], given[name]
		switch absent := len(v) == 0 || string(v) == "null"; {
		case absent && p.optional():
			values[name] = p.DefaultValue
		case absent:
			wrong = append(wrong, fmt.Sprintf("parameter %s is required", name))
		default:
			values[name] = v
			if err := p.accepts(v, b); err != nil {
				wrong = append(wrong, fmt.Sprintf("parameter %s: %v", name, err))
			}
		}
	}
	if len(wrong) > 0 {
		return nil, invalid("%s", strings.Join(wrong, "; "))
	}
	return values, nil
}

// accepts reports a value of the wrong type, or outside the allowed values.
func (p *parameter) accepts(raw json.RawMessage, b Unknowns) error {
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	var value any
	if err := d.Decode(&value); err != nil {
		return err
	}
	if !p.Collection {
		return p.acceptsOne(value, b)
	}
	list, ok := value.([]any)
	if !ok {
		return fmt.Errorf("must be a list of %s", p.Type)
	}
	for i, v := range list {
		if err := p.acceptsOne(v, b); err != nil {
			return fmt.Errorf("element %d %w", i+1, err)
		}
	}
	return nil
}

func (p *parameter) acceptsOne(value any, b Unknowns) error {
	ok := false
	switch p.Type {
	case "Integer":
		n, isNumber := value.(json.Number)
		ok = isNumber
		if isNumber {
			_, err := n.Int64()
			ok = err == nil
		}
	case "Double":
		_, ok = value.(json.Number)
	case "Boolean":
		_, ok = value.(bool)
	default:
		_, ok = value.(string)
	}
	if !ok {
		return fmt.Errorf("must be of type %s", p.Type)
	}
	if form := parameterForms[p.Type]; form != nil && !b.LooseParameterTypes && !form.MatchString(value.(string)) {
		return fmt.Errorf("is not a valid %s", p.Type)
	}
	shown := fmt.Sprint(value)
	allowed := func(v any) bool { return fmt.Sprint(v) == shown }
	if len(p.AllowedValues) > 0 && !b.IgnoreAllowedValues && !slices.ContainsFunc(p.AllowedValues, allowed) {
		return fmt.Errorf("must be one of %v", p.AllowedValues)
	}
	return nil
}
