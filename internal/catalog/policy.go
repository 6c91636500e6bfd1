package catalog

import (
	"fmt"
	"maps"
	"regexp"
	"strconv"
	"strings"
)

var (
	blueprintKey = regexp.MustCompile(`^blueprints/[A-Za-z0-9][A-Za-z0-9._-]{0,99}\.zip$`)
	account      = regexp.MustCompile(`^[0-9]{12}$`)
)

// ShippedBlueprint is the key that the stack's own blueprint is published under.
const ShippedBlueprint = "blueprints/landfall.zip"

// settings reads the keys that say how the catalog as a whole is deployed.
func (p *parser) settings(top map[string]member) {
	setDefaults(p.catalog, topKeys)
	for _, k := range topKeys {
		if m, ok := top[k.Name]; ok && k.field != nil {
			k.readInto(p, p.catalog, m.value, k.Name)
		}
	}
}

// CheckBlueprint returns an error that describes what is wrong with the key of a custom blueprint's ZIP.
func CheckBlueprint(key string) error {
	if _, f := userBlueprint(key); f.message != "" {
		return fmt.Errorf("the blueprint %s; %s", f.message, f.hint)
	}
	return nil
}

func userBlueprint(s string) (string, fault) {
	switch {
	case s == "":
		return "", fault{"is empty", "leave the key out for the blueprint that comes with Landfall"}
	case s == ShippedBlueprint:
		return "", fault{"is Landfall's own blueprint", "leave the key out, or upload yours under another name"}
	case !blueprintKey.MatchString(s):
		return "", fault{quote(s) + " is not the key of a blueprint", "upload the ZIP to the artifacts bucket as blueprints/<name>.zip, the name of letters, digits and . _ -"}
	}
	return s, fault{}
}

var userBlueprintKind = text("`blueprints/<name>.zip`", userBlueprint, object{
	{"pattern", blueprintKey.String()}, {"not", object{{"const", ShippedBlueprint}}},
})

var bucketOwnersKind = kind{
	form:   "list of account ids",
	schema: object{{"type", "array"}, {"items", object{{"type", "string"}, {"pattern", account.String()}}}},
	read: func(p *parser, _ any, v value, path string) (any, bool) {
		if v.kind() != '[' {
			p.wrongKind(v, path, "a list of account ids")
			return nil, false
		}
		var owners []string
		i := 0
		for element := range elements(v) {
			at := fmt.Sprintf("%s[%d]", path, i)
			i++
			switch {
			case element.kind() != '"':
				p.wrongKind(element, at, "a string")
			case !account.MatchString(element.text()):
				p.problem(element.at, at, quote(element.text())+" is not an account id", "it has twelve digits")
			default:
				owners = append(owners, element.text())
			}
		}
		return owners, true
	},
}

// reservedParameters are the names that BlueprintParameters must not repeat:
// those of the keys, of their aliases and of what the stack adds.
var reservedParameters = func() map[string]bool {
	reserved := map[string]bool{}
	for name := range keysByName {
		reserved[name] = true
	}
	for _, p := range stackParameters {
		reserved[p.Name] = true
	}
	delete(reserved, "BlueprintParameters")
	return reserved
}()

// parameterSchema is a value of a custom blueprint's parameter that is no list.
var parameterSchema = object{{"type", []string{"string", "number", "boolean"}}}

// blueprintParametersKind are parameters of a custom blueprint; those of an entry are added to those of Defaults.
var blueprintParametersKind = kind{
	form: "object of strings, numbers, booleans and lists of them",
	schema: object{
		{"type", "object"},
		{"additionalProperties", object{{"anyOf", []object{parameterSchema, {{"type", "array"}, {"items", parameterSchema}}}}}},
	},
	read: func(p *parser, old any, v value, path string) (any, bool) {
		parameters := maps.Clone(old.(map[string]any))
		p.object(v, path, func(m member, at string) {
			if p.reserved[m.name] {
				p.problem(m.nameAt, at, "is a parameter of Landfall's own", "give it as a key of the entry")
				return
			}
			got, ok := p.parameter(m.value, at, true)
			if !ok {
				return
			}
			if parameters == nil {
				parameters = map[string]any{}
			}
			parameters[m.name] = got
		})
		return parameters, true
	},
}

// parameter reads what Glue takes as a parameter: a string, number, boolean, or a list of one of them.
func (p *parser) parameter(v value, path string, lists bool) (any, bool) {
	switch kind := v.kind(); {
	case kind == '"':
		return v.text(), true
	case kind == '0':
		n, err := strconv.ParseFloat(strings.TrimSpace(string(v.raw)), 64)
		if err != nil {
			p.problem(v.at, path, "is a number out of range", "")
		}
		return n, err == nil
	case kind == 't', kind == 'f':
		return kind == 't', true
	case kind == '[' && lists:
		list, good := []any{}, true
		for element := range elements(v) {
			got, ok := p.parameter(element, fmt.Sprintf("%s[%d]", path, len(list)), false)
			list, good = append(list, got), good && ok
		}
		return list, good
	}
	p.wrongKind(v, path, "a string, number, boolean or list")
	return nil, false
}
