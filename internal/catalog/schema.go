package catalog

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode"
)

// Schema is the JSON Schema (2020-12) of catalogs, for editors and other
// tools. Parse refuses everything that it refuses, and the few things that a
// JSON Schema cannot say. catalog.schema.json is a copy of it.
func Schema() []byte {
	top, entry := object{}, object{}
	var required []string
	var eachEntryNeeds []object
	for _, k := range topKeys {
		top = append(top, property{k.Name, k.schema()})
		if k.Required {
			required = append(required, k.Name)
		}
	}
	for _, k := range entryKeys {
		entry = append(entry, property{k.Name, k.schema()})
		if k.Required {
			eachEntryNeeds = append(eachEntryNeeds, unlessInDefaults(k.Name))
		}
	}
	for _, alias := range aliasNames() {
		entry = append(entry, property{alias, object{
			{"description", "An old name of " + aliases[alias] + "."},
			{"deprecated", true},
			{"$ref", "#/$defs/keys/properties/" + aliases[alias]},
		}})
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(object{
		{"$schema", "https://json-schema.org/draft/2020-12/schema"},
		{"title", "Landfall catalog"},
		{"description", "Which tables are landed, and how."},
		{"type", "object"},
		{"required", required},
		{"additionalProperties", false},
		{"properties", top},
		{"allOf", eachEntryNeeds},
		{"$defs", object{{"keys", object{
			{"type", "object"},
			{"additionalProperties", false},
			{"properties", entry},
			{"allOf", notTogether()},
		}}}},
	}); err != nil {
		panic("marshal the schema: " + err.Error())
	}
	return b.Bytes()
}

// schema is the key's part of the schema.
func (k *Key) schema() object {
	description := k.Help
	if k.Absent != "" {
		description += " Left out: " + k.Absent + "."
	}
	all := append(object{{"description", unmarked(description)}}, k.kind.schema...)
	if k.Name == "BlueprintParameters" {
		all = append(all, property{"propertyNames", object{{"not", object{{"enum", slices.Sorted(maps.Keys(reservedParameters))}}}}})
	}
	if k.Default != nil {
		all = append(all, property{"default", k.Default})
	}
	if k.Examples != nil {
		all = append(all, property{"examples", k.Examples})
	}
	return all
}

// unlessInDefaults requires a key of every entry when Defaults lacks it.
func unlessInDefaults(name string) object {
	needs := object{{"required", []string{name}}}
	return object{
		{"if", object{{"required", []string{"Defaults"}}, {"properties", object{{"Defaults", needs}}}}},
		{"else", object{{"properties", object{{"WorkflowList", object{{"items", needs}}}}}}},
	}
}

// notTogether forbids two names of one key.
func notTogether() []object {
	var all []object
	names := append(slices.Sorted(maps.Values(aliases))[:1], aliasNames()...)
	for i, a := range names {
		for _, b := range names[i+1:] {
			if keysByName[a] == keysByName[b] {
				all = append(all, object{{"not", object{{"required", []string{a, b}}}}})
			}
		}
	}
	return all
}

func aliasNames() []string { return slices.Sorted(maps.Keys(aliases)) }

// object is a JSON object whose members keep their order.
type object []property

type property struct {
	name  string
	value any
}

// MarshalJSON writes the members in their order.
func (o object) MarshalJSON() ([]byte, error) {
	var b bytes.Buffer
	for i, p := range o {
		b.WriteByte("{,"[min(i, 1)])
		e := json.NewEncoder(&b)
		e.SetEscapeHTML(false)
		if err := e.Encode(p.name); err != nil {
			return nil, err
		}
		b.WriteByte(':')
		if err := e.Encode(p.value); err != nil {
			return nil, err
		}
	}
	if len(o) == 0 {
		b.WriteByte('{')
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}

// unmarked is the help of a key without the marks of Markdown.
func unmarked(markdown string) string { return strings.ReplaceAll(markdown, "`", "") }

// anyCase is the pattern of a word in upper and lower case, which JSON Schema cannot ignore.
func anyCase(word string) string {
	var b strings.Builder
	for _, r := range word {
		fmt.Fprintf(&b, "[%c%c]", unicode.ToUpper(r), r)
	}
	return b.String()
}

// ecma is a Go pattern as JSON Schema takes it.
func ecma(pattern string) string {
	return strings.NewReplacer(`\x{FFFE}`, "\ufffe", `\x{FFFF}`, "\uffff").Replace(pattern)
}

// digitsPattern matches the integers from least to most, without leading zeros.
func digitsPattern(least, most int) string {
	var all []string
	for low := least; low <= most; {
		digits := len(fmt.Sprint(low))
		high := min(most, power10(digits)-1)
		all = append(all, sameLength(fmt.Sprint(low), fmt.Sprint(high))...)
		low = high + 1
	}
	return "(" + strings.Join(all, "|") + ")"
}

func power10(n int) int {
	p := 1
	for range n {
		p *= 10
	}
	return p
}

// sameLength are patterns of the numbers from low to high, which have the same number of digits.
func sameLength(low, high string) []string {
	rest := len(low) - 1
	zeros, nines := strings.Repeat("0", rest), strings.Repeat("9", rest)
	first, last := low[0], high[0]
	var begin, end []string
	if first == last && rest > 0 && (low[1:] != zeros || high[1:] != nines) {
		return prefixed(first, sameLength(low[1:], high[1:]))
	}
	if low[1:] != zeros {
		begin = prefixed(first, sameLength(low[1:], nines))
		first++
	}
	if high[1:] != nines {
		end = prefixed(last, sameLength(zeros, high[1:]))
		last--
	}
	if first <= last {
		middle := fmt.Sprintf("[%c-%c]", first, last)
		if first == last {
			middle = string(first)
		}
		switch {
		case rest == 1:
			middle += "[0-9]"
		case rest > 1:
			middle += fmt.Sprintf("[0-9]{%d}", rest)
		}
		begin = append(begin, middle)
	}
	return append(begin, end...)
}

func prefixed(digit byte, patterns []string) []string {
	for i := range patterns {
		patterns[i] = string(digit) + patterns[i]
	}
	return patterns
}
