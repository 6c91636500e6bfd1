package catalog

import (
	"fmt"
	"maps"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// fault is what is wrong with a value, and what to do about it. The zero value means that nothing is wrong.
type fault struct {
	message, hint string
}

// text is a string that check accepts; the field gets what check makes of it.
func text(form string, check func(string) (string, fault), schema object) kind {
	return kind{form: form, schema: append(object{{"type", "string"}}, schema...), read: func(p *parser, _ any, v value, path string) (any, bool) {
		if v.kind() != '"' {
			p.wrongKind(v, path, "a string")
			return nil, false
		}
		got, f := check(v.text())
		if f.message != "" {
			p.problem(v.at, path, f.message, f.hint)
			return nil, false
		}
		return got, true
	}}
}

// choice is one of a few strings. why is the hint when the value is another one.
func choice(why string, allowed ...string) kind {
	k := text(code(allowed...), func(got string) (string, fault) { return oneOf(allowed, why, got) }, nil)
	k.allowed, k.schema = allowed, object{{"enum", allowed}}
	return k
}

// code is values as the documentation lists them.
func code(values ...string) string { return "`" + strings.Join(values, "`, `") + "`" }

// oneOf is got when it is one of a few strings.
func oneOf(allowed []string, why, got string) (string, fault) {
	if slices.Contains(allowed, got) {
		return got, fault{}
	}
	f := fault{message: fmt.Sprintf("is %s; want %s", quote(got), strings.Join(allowed, " or ")), hint: why}
	if i := slices.IndexFunc(allowed, func(a string) bool { return strings.EqualFold(a, got) }); i >= 0 {
		f.hint = didYouMean(got, allowed[i])
	} else if why == "" {
		f.hint = didYouMean(got, newNames(allowed).nearest(got))
	}
	return "", f
}

// boolean is true or false.
var boolean = kind{form: code("true", "false"), schema: object{{"type", "boolean"}}, read: func(p *parser, _ any, v value, path string) (any, bool) {
	if v.kind() == 't' || v.kind() == 'f' {
		return v.kind() == 't', true
	}
	hint := ""
	if v.kind() == '"' && (strings.EqualFold(v.text(), "true") || strings.EqualFold(v.text(), "false")) {
		hint = "write " + strings.ToLower(v.text()) + " without quotes"
	}
	p.problem(v.at, path, "is "+kindNames[v.kind()]+"; want true or false", hint)
	return nil, false
}}

var digits = regexp.MustCompile(`^-?(0|[1-9][0-9]*)$`)

// integer is an integer, as a JSON number or, as the AWS sample has it, as a string of digits.
func integer(least, most int) kind { return integerKind(least, most, true, false) }

// integerOrEmpty is an integer, or "" for 0.
func integerOrEmpty(least, most int) kind { return integerKind(least, most, true, true) }

// jsonInteger is an integer as a JSON number only.
func jsonInteger(least, most int) kind { return integerKind(least, most, false, false) }

func integerKind(least, most int, inText, orEmpty bool) kind {
	number := object{{"type", "integer"}, {"minimum", least}, {"maximum", most}}
	k := kind{form: fmt.Sprintf("%d to %d", least, most), schema: number, least: least, most: most, emptyIsZero: orEmpty}
	if inText {
		pattern := digitsPattern(least, most)
		if orEmpty {
			pattern += "?"
		}
		k.schema = object{{"anyOf", []object{number, {{"type", "string"}, {"pattern", "^" + pattern + "$"}}}}}
	}
	want := fmt.Sprintf("want a whole number from %d to %d", least, most)
	k.read = func(p *parser, _ any, v value, path string) (any, bool) {
		got := ""
		switch {
		case v.kind() == '0':
			got = string(v.raw)
		case v.kind() == '"' && inText:
			got = v.text()
			if got == "" && orEmpty {
				return 0, true
			}
			if !digits.MatchString(got) {
				p.problem(v.at, path, "is "+quote(got)+"; "+want, "")
				return nil, false
			}
		default:
			p.problem(v.at, path, "is "+kindNames[v.kind()]+"; "+want, "")
			return nil, false
		}
		n, err := strconv.ParseFloat(got, 64)
		if err != nil || n != math.Trunc(n) || n < float64(least) || n > float64(most) {
			p.problem(v.at, path, "is "+shorten(got)+"; "+want, "")
			return nil, false
		}
		return int(n), true
	}
	return k
}

// primaryKeyKind is a list of columns, or the columns in one string with commas between them.
var primaryKeyKind = kind{
	form: "list of columns, or one string with commas",
	schema: object{{"anyOf", []object{
		{{"type", "array"}, {"items", columnSchema}, {"uniqueItems", true}},
		{{"type", "string"}, {"pattern", "^$|^ *[^ ,\x00][^,\x00]*(, *[^ ,\x00][^,\x00]*)*$"}},
	}}},
	read: func(p *parser, _ any, v value, path string) (any, bool) {
		var key []string
		switch v.kind() {
		case '"':
			if v.text() == "" {
				break
			}
			for part := range strings.SplitSeq(v.text(), ",") {
				key = p.addColumn(key, strings.Trim(part, " "), v.at, path)
			}
		case '[':
			key = p.columnList(v, path)
		default:
			p.wrongKind(v, path, "a list of columns")
		}
		return key, true
	},
}

// capacityKind is the DPU of a Python shell job, as a JSON number or as a string.
var capacityKind = kind{
	form:   code("0.0625", "1"),
	schema: object{{"enum", []any{0.0625, 1, "0.0625", "1"}}},
	read: func(p *parser, _ any, v value, path string) (any, bool) {
		got := kindNames[v.kind()]
		switch v.kind() {
		case '0':
			got = shorten(string(v.raw))
			if n, err := strconv.ParseFloat(string(v.raw), 64); err == nil && (n == 0.0625 || n == 1) {
				return n, true
			}
		case '"':
			got = quote(v.text())
			if n, ok := map[string]float64{"0.0625": 0.0625, "1": 1}[v.text()]; ok {
				return n, true
			}
		}
		p.problem(v.at, path, "is "+got+"; want 0.0625 or 1", "a Python shell job has no other size")
		return nil, false
	},
}

// maxTags leaves room for Landfall's own two among the 50 that AWS allows on a resource.
const maxTags = 48

var tagText = regexp.MustCompile(`^[\p{L}\p{Z}\p{N}_.:/=+@-]*$`)

// tagsKind is an object of strings; the tags of an entry are added to those of Defaults.
var tagsKind = kind{
	form: "object of strings",
	schema: object{
		{"type", "object"},
		{"maxProperties", maxTags},
		{"propertyNames", object{
			{"minLength", 1},
			{"maxLength", 128},
			{"pattern", tagText.String()},
			{"not", object{{"pattern", "^(" + anyCase("aws") + "|" + anyCase("landfall") + "):"}}},
		}},
		{"additionalProperties", object{{"type", "string"}, {"maxLength", 256}, {"pattern", tagText.String()}}},
	},
	read: func(p *parser, old any, v value, path string) (any, bool) {
		tags := maps.Clone(old.(map[string]string))
		p.object(v, path, func(m member, at string) {
			if f := tagKey(m.name); f.message != "" {
				p.problem(m.nameAt, at, f.message, f.hint)
				return
			}
			if m.value.kind() != '"' {
				p.wrongKind(m.value, at, "a string")
				return
			}
			if f := tagPart(m.value.text(), 256); f.message != "" {
				p.problem(m.value.at, at, f.message, f.hint)
				return
			}
			if tags == nil {
				tags = map[string]string{}
			}
			tags[m.name] = m.value.text()
		})
		if len(tags) > maxTags {
			p.problem(v.at, path, fmt.Sprintf("there are %d tags, those of Defaults included; want at most %d", len(tags), maxTags), "")
		}
		return tags, true
	},
}

func tagKey(name string) fault {
	if name == "" {
		return fault{"the tag has no name", ""}
	}
	lower := strings.ToLower(name)
	if strings.HasPrefix(lower, "aws:") || strings.HasPrefix(lower, "landfall:") {
		return fault{"the tag's name begins with " + lower[:strings.Index(lower, ":")+1] + ", which is reserved", "choose another name"}
	}
	return tagPart(name, 128)
}

func tagPart(s string, most int) fault {
	if n := utf8.RuneCountInString(s); n > most {
		return fault{fmt.Sprintf("has %d characters; want at most %d", n, most), ""}
	}
	if !tagText.MatchString(s) {
		return fault{quote(s) + " has a character that AWS does not take in tags", "letters, digits, spaces and _ . : / = + - @ are allowed"}
	}
	return fault{}
}

// shorten keeps messages readable when the file has long values.
func shorten(s string) string {
	const longest = 60
	if utf8.RuneCountInString(s) <= longest {
		return s
	}
	return string([]rune(s)[:longest]) + "…"
}

func quote(s string) string { return strconv.Quote(shorten(s)) }

var plainName = regexp.MustCompile(`^[A-Za-z0-9_$:/-]+$`)

// joinPath is the JSON path of a name under path; path is empty at the top level.
func joinPath(path, name string) string {
	switch {
	case !plainName.MatchString(name):
		return path + "[" + quote(name) + "]"
	case path == "":
		return shorten(name)
	}
	return path + "." + shorten(name)
}
