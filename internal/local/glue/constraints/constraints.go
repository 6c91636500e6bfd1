// Package constraints checks the inputs of Glue's operations as the service does. The SDKs check only that required
// members are present.
package constraints

import (
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Patterns and enums of Glue's model. A pattern must match the whole value; shown is AWS's own spelling.
var (
	patterns = map[string]struct {
		match *regexp.Regexp
		shown string
	}{
		"name": {
			regexp.MustCompile(`^[\x{20}-\x{D7FF}\x{E000}-\x{FFFD}\x{10000}-\x{10FFFF}\t]*$`),
			`[\u0020-\uD7FF\uE000-\uFFFD\uD800\uDC00-\uDBFF\uDFFF\t]*`,
		},
		"text": {
			regexp.MustCompile(`^[\x{20}-\x{D7FF}\x{E000}-\x{FFFD}\x{10000}-\x{10FFFF}\r\n\t]*$`),
			`[\u0020-\uD7FF\uE000-\uFFFD\uD800\uDC00-\uDBFF\uDFFF\r\n\t]*`,
		},
		"blueprint": {regexp.MustCompile(`^[.\-_A-Za-z0-9]+$`), `[\.\-_A-Za-z0-9]+`},
		"s3":        {regexp.MustCompile(`^s3://([^/]+)/([^/]+/)*([^/]+)$`), `^s3://([^/]+)/([^/]+/)*([^/]+)$`},
		"role":      {regexp.MustCompile(`^arn:aws[^:]*:iam::[0-9]*:role/.+$`), `arn:aws[^:]*:iam::[0-9]*:role/.+`},
		"arn":       {regexp.MustCompile(`^arn:aws(-(cn|us-gov|iso(-[bef])?))?:glue:.*$`), `arn:aws(-(cn|us-gov|iso(-[bef])?))?:glue:.*`},
		"python":    {regexp.MustCompile(`^([2-3]|3[.]9)$`), `^([2-3]|3[.]9)$`},
		"glue":      {regexp.MustCompile(`^((\w+\.)+\w+|[Aa]uto)$`), `^((\w+\.)+\w+|auto)$`},
		"window":    {regexp.MustCompile(`^(Sun|Mon|Tue|Wed|Thu|Fri|Sat):([01]?[0-9]|2[0-3])$`), `^(Sun|Mon|Tue|Wed|Thu|Fri|Sat):([01]?[0-9]|2[0-3])$`},
	}
	enums = map[string][]string{
		"trigger":   {"SCHEDULED", "CONDITIONAL", "ON_DEMAND", "EVENT"},
		"logical":   {"AND", "ANY"},
		"operator":  {"EQUALS"},
		"jobstate":  {"STARTING", "RUNNING", "STOPPING", "STOPPED", "SUCCEEDED", "FAILED", "TIMEOUT", "ERROR", "WAITING", "EXPIRED"},
		"crawl":     {"RUNNING", "CANCELLING", "CANCELLED", "SUCCEEDED", "FAILED", "ERROR"},
		"worker":    {"Standard", "G.1X", "G.2X", "G.4X", "G.8X", "G.025X", "Z.2X", "G.12X", "G.16X", "R.1X", "R.2X", "R.4X", "R.8X"},
		"execution": {"FLEX", "STANDARD"},
		"mode":      {"SCRIPT", "VISUAL", "NOTEBOOK"},
		"update":    {"LOG", "UPDATE_IN_DATABASE"},
		"delete":    {"LOG", "DELETE_FROM_DATABASE", "DEPRECATE_IN_DATABASE"},
	}
)

// IsRoleARN reports whether the text is the ARN of an IAM role.
func IsRoleARN(text string) bool { return patterns["role"].match.MatchString(text) }

// Check checks an input struct, given by its pointer, against the constraints in its `check` tags. The error names all
// violations in the words of AWS services. A tag is a list of
//
//	required  len=min:max  range=min:max  match=<pattern>  one=<enum>
//
// where len counts characters, elements or entries; "each." before a constraint is for the elements of a list or the
// values of a map, "key." for the keys of a map. "<Member>:" before a constraint, on an embedded struct, is for
// a member of that. An optional member that is absent satisfies everything.
func Check(in any) error {
	c := &checker{}
	c.fields("", reflect.ValueOf(in).Elem(), nil)
	switch len(c.found) {
	case 0:
		return nil
	case 1:
		return fmt.Errorf("1 validation error detected: %s", c.found[0])
	}
	return fmt.Errorf("%d validation errors detected: %s", len(c.found), strings.Join(c.found, "; "))
}

type checker struct{ found []string }

func (c *checker) add(path string, value any, constraint string) {
	text := fmt.Sprintf("'%v'", value)
	if value == nil {
		text = "null"
	}
	if len(text) > 200 {
		text = text[:200] + "…'"
	}
	c.found = append(c.found, fmt.Sprintf("Value %s at '%s' failed to satisfy constraint: Member must %s", text, path, constraint))
}

// fields checks the members of a struct. more are further rules, as "Member:rule".
func (c *checker) fields(path string, v reflect.Value, more []string) {
	for i := range v.NumField() {
		field := v.Type().Field(i)
		rules := strings.Fields(field.Tag.Get("check"))
		if field.Anonymous {
			c.fields(path, v.Field(i), append(rules, more...))
		}
		if field.Anonymous || !field.IsExported() {
			continue
		}
		rules = append(rules, inner(more, field.Name+":")...)
		c.value(path+string(unicode.ToLower(rune(field.Name[0])))+field.Name[1:], v.Field(i), rules)
	}
}

// value checks one member and what is inside it.
func (c *checker) value(path string, v reflect.Value, rules []string) {
	required := slices.Contains(rules, "required")
	if v.Kind() == reflect.Pointer {
		if v.IsNil() {
			c.absent(path, required)
			return
		}
		v = v.Elem()
	} else if (v.Kind() == reflect.Slice || v.Kind() == reflect.Map) && v.IsNil() {
		c.absent(path, required)
		return
	} else if v.IsZero() && v.Kind() != reflect.Struct {
		c.absent(path, required)
		return
	}
	for _, rule := range rules {
		c.rule(path, v, rule)
	}
	switch v.Kind() {
	case reflect.Struct:
		c.fields(path+".", v, nil)
	case reflect.Slice:
		for i := range v.Len() {
			c.value(fmt.Sprintf("%s.%d.member", path, i+1), present(v.Index(i)), inner(rules, "each."))
		}
	case reflect.Map:
		for _, key := range sortedKeys(v) {
			c.value(path+".key", present(key), inner(rules, "key."))
			c.value(path+"."+key.String(), present(v.MapIndex(key)), inner(rules, "each."))
		}
	}
}

// present makes an element's empty string count as given.
func present(v reflect.Value) reflect.Value {
	if v.Kind() != reflect.String {
		return v
	}
	p := reflect.New(v.Type())
	p.Elem().Set(v)
	return p
}

func sortedKeys(v reflect.Value) []reflect.Value {
	keys := v.MapKeys()
	slices.SortFunc(keys, func(a, b reflect.Value) int { return strings.Compare(a.String(), b.String()) })
	return keys
}

func inner(rules []string, prefix string) []string {
	var list []string
	for _, rule := range rules {
		if rest, ok := strings.CutPrefix(rule, prefix); ok {
			list = append(list, rest)
		}
	}
	return list
}

func (c *checker) absent(path string, required bool) {
	if required {
		c.add(path, nil, "not be null")
	}
}

func (c *checker) rule(path string, v reflect.Value, rule string) {
	kind, argument, _ := strings.Cut(rule, "=")
	switch kind {
	case "len":
		n := v.Len()
		if v.Kind() == reflect.String {
			n = utf8.RuneCountInString(v.String())
		}
		c.bounds(path, v.Interface(), n, argument, "length")
	case "range":
		c.bounds(path, v.Interface(), int(v.Int()), argument, "value")
	case "match":
		if p := patterns[argument]; !p.match.MatchString(v.String()) {
			c.add(path, v.String(), "satisfy regular expression pattern: "+p.shown)
		}
	case "one":
		if values := enums[argument]; !slices.Contains(values, v.String()) {
			c.add(path, v.String(), "satisfy enum value set: ["+strings.Join(values, ", ")+"]")
		}
	}
}

func (c *checker) bounds(path string, value any, n int, limits, what string) {
	low, high, _ := strings.Cut(limits, ":")
	if l, err := strconv.Atoi(low); err == nil && n < l {
		c.add(path, value, fmt.Sprintf("have %s greater than or equal to %d", what, l))
	}
	if h, err := strconv.Atoi(high); err == nil && n > h {
		c.add(path, value, fmt.Sprintf("have %s less than or equal to %d", what, h))
	}
}
