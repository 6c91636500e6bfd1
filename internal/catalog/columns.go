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

// Columns are the names of one or more columns. In JSON, one column is a string, several are a list.
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

// columnSchema is the name of a column.
var columnSchema = object{{"type", "string"}, {"minLength", 1}, {"maxLength", maxIdentifier}, {"pattern", noNUL}}

// noNUL is the pattern of a text without NUL characters.
const noNUL = "^[^\x00]*$"

// cursorKind is a column, or a list of columns.
var cursorKind = kind{
	form: "column, or list of columns",
	schema: object{{"anyOf", []object{
		columnSchema,
		{{"type", "array"}, {"items", columnSchema}, {"minItems", 1}, {"uniqueItems", true}},
	}}},
	read: func(p *parser, _ any, v value, path string) (any, bool) {
		var columns []string
		switch v.kind() {
		case '"':
			columns = p.addColumn(nil, v.text(), v.at, path)
		case '[':
			before := p.problems.total
			columns = p.columnList(v, path)
			if len(columns) == 0 && p.problems.total == before {
				p.problem(v.at, path, "is an empty list", "name a column, or set LoadType to Full")
			}
		default:
			p.wrongKind(v, path, "a column or a list of columns")
		}
		return Columns(columns), true
	},
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

// policy is one key of Types, or of a column in Columns.
type policy struct {
	name, help string
	check      func(string) fault
	schema     object
}

// tablePolicies are the keys of Types, columnKeys those of a column in Columns.
var (
	tablePolicies = []policy{
		{
			"NumericUnbounded", "numeric without precision or with more than 38 digits: Text, Decimal(p,s) or Fail.", numericUnbounded,
			object{
				{"type", "string"},
				{"pattern", `^(Text|Fail|Decimal\((0?[1-9]|[12][0-9]|3[0-8]), ?([0-2]?[0-9]|3[0-8])\))$`},
				{"examples", []string{"Text", "Decimal(38,10)", "Fail"}},
			},
		},
		policyOf("OutOfRange", "Values that the Parquet type cannot hold: Fail, Text (the whole column lands as text) or Null.", Fail, "Text", "Null"),
		policyOf("UnknownTypes", "Base types that Landfall does not know: Text or Fail.", "Text", Fail),
	}
	columnKeys = append(slices.Clip(tablePolicies),
		policyOf("Rule", "Before landing, the column is left out (Drop), or its values are replaced by their SHA-256 (Hash) or by MaskWith (Mask).", Drop, Hash, Mask),
		policy{
			"MaskWith", "The text that Mask puts in place of every value.", func(string) fault { return fault{} },
			object{{"type", "string"}, {"default", "***"}},
		},
	)
)

func policyOf(name, help string, allowed ...string) policy {
	return policy{name, help, func(got string) fault {
		_, f := oneOf(allowed, "", got)
		return f
	}, object{{"enum", allowed}}}
}

// policySchema is an object with these keys.
func policySchema(of []policy) object {
	properties := object{}
	for _, p := range of {
		properties = append(properties, property{p.name, append(object{{"description", p.help}}, p.schema...)})
	}
	return object{{"type", "object"}, {"additionalProperties", false}, {"properties", properties}}
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
	_, f := oneOf([]string{"Text", Fail, "Decimal(p,s)"}, "", got)
	if got == "Decimal(p,s)" {
		f = fault{"is " + quote(got), "write numbers for p and s, such as Decimal(38,10)"}
	}
	return f
}

// typesKind are policies; those of an entry are added to those of Defaults.
var typesKind = kind{form: "object", schema: policySchema(tablePolicies), read: func(p *parser, old any, v value, path string) (any, bool) {
	return p.policies(old.(map[string]string), v, path, tablePolicies), true
}}

// columnsKind are policies and rules by column; those of an entry are added to those of Defaults, column by column.
var columnsKind = kind{
	form: "object of objects",
	schema: object{
		{"type", "object"},
		{"propertyNames", columnSchema[1:]},
		{"additionalProperties", policySchema(columnKeys)},
	},
	read: func(p *parser, old any, v value, path string) (any, bool) {
		columns := maps.Clone(old.(map[string]map[string]string))
		p.object(v, path, func(m member, at string) {
			if _, f := column(m.name); f.message != "" {
				p.problem(m.nameAt, at, f.message, f.hint)
				return
			}
			if columns == nil {
				columns = map[string]map[string]string{}
			}
			columns[m.name] = p.policies(columns[m.name], m.value, at, columnKeys)
		})
		return columns, true
	},
}

// policies are base with what the object v says.
func (p *parser) policies(base map[string]string, v value, path string, keys []policy) map[string]string {
	all := maps.Clone(base)
	p.object(v, path, func(m member, at string) {
		i := slices.IndexFunc(keys, func(k policy) bool { return k.name == m.name })
		if i < 0 {
			var known []string
			for _, k := range keys {
				known = append(known, k.name)
			}
			slices.Sort(known)
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
		if f := keys[i].check(m.value.text()); f.message != "" {
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
		at := joinPath(path, m.name)
		if earlier, ok := seen[m.name]; ok {
			p.duplicateKey(m, at, earlier)
			continue
		}
		seen[m.name] = m.nameAt
		each(m, at)
	}
}
