package catalog

import (
	"fmt"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// fault is what is wrong with a value and what to do; the zero value is none.
type fault struct {
	message, hint string
}

// text reads a string value that check accepts, and puts what check makes of it into a field.
func text(check func(string) (string, fault), field func(*Table) *string) func(*parser, *Table, value, string) {
	return func(p *parser, t *Table, v value, path string) {
		if v.kind() != '"' {
			p.wrongKind(v, path, "a string")
			return
		}
		got, f := check(v.text())
		if f.message != "" {
			p.problem(v.at, path, f.message, f.hint)
			return
		}
		*field(t) = got
	}
}

// choice reads one of a few strings. A why says why there are no others.
func choice(allowed []string, why string, field func(*Table) *string) func(*parser, *Table, value, string) {
	return text(func(got string) (string, fault) { return among(allowed, why, got) }, field)
}

// among is got when it is one of a few strings.
func among(allowed []string, why, got string) (string, fault) {
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

var digits = regexp.MustCompile(`^-?(0|[1-9][0-9]*)$`)

// whole reads a whole number, as a JSON number or as the AWS sample has it, as
// a string of digits. With empty set, "" stands for 0.
func whole(least, most int, empty bool, field func(*Table) *int) func(*parser, *Table, value, string) {
	want := fmt.Sprintf("want a whole number from %d to %d", least, most)
	return func(p *parser, t *Table, v value, path string) {
		got := ""
		switch v.kind() {
		case '0':
			got = string(v.raw)
		case '"':
			got = v.text()
			if got == "" && empty {
				*field(t) = 0
				return
			}
			if !digits.MatchString(got) {
				p.problem(v.at, path, "is "+quote(got)+"; "+want, "")
				return
			}
		default:
			p.problem(v.at, path, "is "+kindNames[v.kind()]+"; "+want, "")
			return
		}
		n, err := strconv.ParseFloat(got, 64)
		if err != nil || n != math.Trunc(n) || n < float64(least) || n > float64(most) {
			p.problem(v.at, path, "is "+shorten(got)+"; "+want, "")
			return
		}
		*field(t) = int(n)
	}
}

// primaryKey reads a list of columns, or the columns in one string with commas between them.
func (p *parser) primaryKey(t *Table, v value, path string) {
	t.PrimaryKey = nil
	switch v.kind() {
	case '"':
		if v.text() == "" {
			return
		}
		for part := range strings.SplitSeq(v.text(), ",") {
			t.PrimaryKey = p.addColumn(t.PrimaryKey, strings.Trim(part, " "), v.at, path)
		}
	case '[':
		t.PrimaryKey = p.columnList(v, path)
	default:
		p.wrongKind(v, path, "a list of columns")
	}
}

// maxCapacity reads the DPU of a Python shell job, as a JSON number or as a string.
func (p *parser) maxCapacity(t *Table, v value, path string) {
	got := kindNames[v.kind()]
	switch v.kind() {
	case '0':
		got = shorten(string(v.raw))
		if n, err := strconv.ParseFloat(string(v.raw), 64); err == nil && (n == 0.0625 || n == 1) {
			t.MaxCapacity = n
			return
		}
	case '"':
		got = quote(v.text())
		if n, ok := map[string]float64{"0.0625": 0.0625, "1": 1}[v.text()]; ok {
			t.MaxCapacity = n
			return
		}
	}
	p.problem(v.at, path, "is "+got+"; want 0.0625 or 1", "a Python shell job has no other size")
}

// maxTags leaves room for Landfall's own two among the 50 that AWS allows on a resource.
const maxTags = 48

var tagText = regexp.MustCompile(`^[\p{L}\p{Z}\p{N}_.:/=+@-]*$`)

// tags reads the tags of an entry on top of those of Defaults.
func (p *parser) tags(t *Table, v value, path string) {
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
		if t.Tags == nil {
			t.Tags = map[string]string{}
		}
		t.Tags[m.name] = m.value.text()
	})
	if len(t.Tags) > maxTags {
		p.problem(v.at, path, fmt.Sprintf("there are %d tags, those of Defaults included; want at most %d", len(t.Tags), maxTags), "")
	}
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

// shorten keeps messages readable whatever is in the file.
func shorten(s string) string {
	const longest = 60
	if utf8.RuneCountInString(s) <= longest {
		return s
	}
	return string([]rune(s)[:longest]) + "…"
}

func quote(s string) string { return strconv.Quote(shorten(s)) }

var plainName = regexp.MustCompile(`^[A-Za-z0-9_$:/-]+$`)

// under is the JSON path of a name under path; path is empty at the top level.
func under(path, name string) string {
	switch {
	case !plainName.MatchString(name):
		return path + "[" + quote(name) + "]"
	case path == "":
		return shorten(name)
	}
	return path + "." + shorten(name)
}
