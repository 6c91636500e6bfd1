package catalog

import (
	"fmt"
	"maps"
	"math"
	"regexp"
	"strconv"
	"strings"
)

// Defaults of the catalog's own keys.
const defaultPruneLimit = 20

var (
	blueprintKey = regexp.MustCompile(`^blueprints/[A-Za-z0-9][A-Za-z0-9._-]{0,99}\.zip$`)
	account      = regexp.MustCompile(`^[0-9]{12}$`)
)

// ShippedBlueprint is the key that the stack's own blueprint is published under.
const ShippedBlueprint = "blueprints/landfall.zip"

// policy reads the keys that say how the catalog as a whole is deployed.
func (p *parser) policy(top map[string]member) {
	c := p.catalog
	c.PruneLimitPercent, c.PruneRunning = defaultPruneLimit, Wait
	if m, ok := top["Prune"]; ok {
		c.Prune = p.flag(m.value, "Prune")
	}
	if m, ok := top["PruneLimitPercent"]; ok {
		c.PruneLimitPercent = p.percent(m.value, "PruneLimitPercent")
	}
	if m, ok := top["PruneRunning"]; ok {
		choice([]string{Wait, Stop}, "", func(*Table) *string { return &c.PruneRunning })(p, nil, m.value, "PruneRunning")
	}
	if m, ok := top["Adopt"]; ok {
		c.Adopt = p.flag(m.value, "Adopt")
	}
	if m, ok := top["Blueprint"]; ok {
		text(userBlueprint, func(*Table) *string { return &c.Blueprint })(p, nil, m.value, "Blueprint")
	}
	if m, ok := top["BucketOwners"]; ok {
		p.bucketOwners(m.value)
	}
}

func (p *parser) percent(v value, path string) int {
	if v.kind() == '0' {
		if n, err := strconv.ParseFloat(string(v.raw), 64); err == nil && n == math.Trunc(n) && n >= 0 && n <= 100 {
			return int(n)
		}
	}
	shown := kindNames[v.kind()]
	if v.kind() == '0' {
		shown = string(v.raw)
	}
	p.problem(v.at, path, "is "+shown+"; want a whole number from 0 to 100", "")
	return defaultPruneLimit
}

// CheckBlueprint says what is wrong with the key of a user's blueprint ZIP.
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

func (p *parser) bucketOwners(v value) {
	if v.kind() != '[' {
		p.wrongKind(v, "BucketOwners", "a list of account ids")
		return
	}
	i := 0
	for element := range elements(v) {
		path := fmt.Sprintf("BucketOwners[%d]", i)
		i++
		switch {
		case element.kind() != '"':
			p.wrongKind(element, path, "a string")
		case !account.MatchString(element.text()):
			p.problem(element.at, path, quote(element.text())+" is not an account id", "it has twelve digits")
		default:
			p.catalog.BucketOwners = append(p.catalog.BucketOwners, element.text())
		}
	}
}

// ownParameters are the names that BlueprintParameters must not repeat; keysByName adds those of the keys.
var ownParameters = map[string]bool{"Owner": true, "ScriptLocation": true, "ExtraPyFiles": true, "PythonModules": true}

// blueprintParameters reads parameters of a user's blueprint, on top of those of Defaults.
func (p *parser) blueprintParameters(t *Table, v value, path string) {
	t.BlueprintParameters = maps.Clone(t.BlueprintParameters)
	p.object(v, path, func(m member, at string) {
		if ownParameters[m.name] {
			p.problem(m.nameAt, at, "is a parameter of Landfall's own", "give it as a key of the entry")
			return
		}
		got, ok := p.parameter(m.value, at, true)
		if !ok {
			return
		}
		if t.BlueprintParameters == nil {
			t.BlueprintParameters = map[string]any{}
		}
		t.BlueprintParameters[m.name] = got
	})
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
