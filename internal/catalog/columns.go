package catalog

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// Columns are names of columns, at least one. One column is a string in JSON, several are a list.
type Columns []string

// MarshalJSON writes one column as a string.
func (c Columns) MarshalJSON() ([]byte, error) {
	if len(c) == 1 {
		return json.Marshal(c[0])
	}
	return json.Marshal([]string(c))
}

// UnmarshalJSON reads both forms.
func (c *Columns) UnmarshalJSON(data []byte) error {
	if bytes.HasPrefix(bytes.TrimSpace(data), []byte(`"`)) {
		*c = make(Columns, 1)
		return json.Unmarshal(data, &(*c)[0])
	}
	return json.Unmarshal(data, (*[]string)(c))
}

// deltaColumn reads a column, or a list of columns.
func (p *parser) deltaColumn(t *Table, v value, path string) {
	t.DeltaColumnName = nil
	switch v.kind() {
	case '"':
		t.DeltaColumnName = p.addColumn(nil, v.text(), v.at, path)
	case '[':
		before := p.problems.total
		t.DeltaColumnName = p.columnList(v, path)
		if len(t.DeltaColumnName) == 0 && p.problems.total == before {
			p.problem(v.at, path, "is an empty list", "name a column, or set LoadType to Full")
		}
	default:
		p.wrongKind(v, path, "a column or a list of columns")
	}
}

// columnList reads a list of columns, each named once.
func (p *parser) columnList(v value, path string) []string {
	var list []string
	i := 0
	for element := range elements(v) {
		at := fmt.Sprintf("%s[%d]", path, i)
		if element.kind() == '"' {
			list = p.addColumn(list, element.text(), element.at, at)
		} else {
			p.wrongKind(element, at, "a string")
		}
		i++
	}
	return list
}

func (p *parser) addColumn(list []string, name string, at int, path string) []string {
	got, f := column(name)
	switch {
	case f.message != "":
		p.problem(at, path, f.message, f.hint)
	case slices.Contains(list, got):
		p.problem(at, path, "names the column "+quote(got)+" twice", "")
	default:
		list = append(list, got)
	}
	return list
}

// policyKeys are the keys of Types with what each allows; ruleKeys those of a column in Columns.
var (
	policyKeys = map[string]func(string) fault{
		"NumericUnbounded": numericUnbounded,
		"OutOfRange":       oneOf(Fail, "Text", "Null"),
		"UnknownTypes":     oneOf("Text", Fail),
	}
	ruleKeys = func() map[string]func(string) fault {
		keys := maps.Clone(policyKeys)
		keys["Rule"] = oneOf(Drop, Hash, Mask)
		keys["MaskWith"] = func(string) fault { return fault{} }
		return keys
	}()
)

func oneOf(allowed ...string) func(string) fault {
	return func(got string) fault {
		_, f := among(allowed, "", got)
		return f
	}
}

var decimal = regexp.MustCompile(`^Decimal\(([0-9]{1,2}), ?([0-9]{1,2})\)$`)

func numericUnbounded(got string) fault {
	if found := decimal.FindStringSubmatch(got); found != nil {
		precision, _ := strconv.Atoi(found[1])
		scale, _ := strconv.Atoi(found[2])
		if precision >= 1 && precision <= 38 && scale <= precision {
			return fault{}
		}
		return fault{"is " + quote(got) + ", which no decimal is", "the precision is 1 to 38, the scale 0 to the precision"}
	}
	_, f := among([]string{"Text", Fail, "Decimal(p,s)"}, "", got)
	if got == "Decimal(p,s)" {
		f = fault{"is " + quote(got), "write numbers for p and s, such as Decimal(38,10)"}
	}
	return f
}

// types reads policies on top of those of Defaults.
func (p *parser) types(t *Table, v value, path string) {
	t.Types = p.policies(t.Types, v, path, policyKeys)
}

// columnRules reads the rules of columns on top of those of Defaults.
func (p *parser) columnRules(t *Table, v value, path string) {
	t.Columns = maps.Clone(t.Columns)
	p.object(v, path, func(m member, at string) {
		if _, f := column(m.name); f.message != "" {
			p.problem(m.nameAt, at, f.message, f.hint)
			return
		}
		rules := p.policies(t.Columns[m.name], m.value, at, ruleKeys)
		if t.Columns == nil {
			t.Columns = map[string]map[string]string{}
		}
		t.Columns[m.name] = rules
	})
}

// policies are base with what the object v says.
func (p *parser) policies(base map[string]string, v value, path string, keys map[string]func(string) fault) map[string]string {
	all := maps.Clone(base)
	p.object(v, path, func(m member, at string) {
		check, ok := keys[m.name]
		if !ok {
			known := slices.Sorted(maps.Keys(keys))
			hint := didYouMean(m.name, newNames(known).nearest(m.name))
			if hint == "" {
				hint = "want " + strings.Join(known, ", ")
			}
			p.problem(m.nameAt, at, "is not a known key", hint)
			return
		}
		if m.value.kind() != '"' {
			p.wrongKind(m.value, at, "a string")
			return
		}
		if f := check(m.value.text()); f.message != "" {
			p.problem(m.value.at, at, f.message, f.hint)
			return
		}
		if all == nil {
			all = map[string]string{}
		}
		all[m.name] = m.value.text()
	})
	return all
}

// object goes through the members of an object, each name once.
func (p *parser) object(v value, path string, each func(m member, at string)) {
	if v.kind() != '{' {
		p.wrongKind(v, path, "an object")
		return
	}
	seen := map[string]int{}
	for m := range members(v) {
		at := under(path, m.name)
		if earlier, ok := seen[m.name]; ok {
			p.duplicateKey(m, at, earlier)
			continue
		}
		seen[m.name] = m.nameAt
		each(m, at)
	}
}
