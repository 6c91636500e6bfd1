package discover

import (
	"fmt"
	"regexp"
	"strings"
)

// Pattern names tables: schema.table with * for any characters and ? for one. A part with a dot in it is put in double
// quotes. A schema alone means all its tables.
type Pattern struct {
	text          string
	schema, table string // regular expressions of PostgreSQL
}

// ParsePattern reads a pattern. The error says what is wrong with it.
func ParsePattern(text string) (Pattern, error) {
	schema, rest, err := cutPart(text)
	if err != nil {
		return Pattern{}, fmt.Errorf("the pattern %q: %w", text, err)
	}
	table := "*"
	if rest != "" {
		if table, rest, err = cutPart(rest[1:]); err == nil && rest != "" {
			err = fmt.Errorf("has more than two parts (a part with a dot needs double quotes)")
		}
		if err != nil {
			return Pattern{}, fmt.Errorf("the pattern %q: %w", text, err)
		}
	}
	return Pattern{text: text, schema: expression(schema), table: expression(table)}, nil
}

// cutPart takes the first part off; rest is empty or begins with the dot.
func cutPart(s string) (part, rest string, err error) {
	if !strings.HasPrefix(s, `"`) {
		end := strings.IndexByte(s, '.')
		if end < 0 {
			end = len(s)
		}
		if end == 0 {
			return "", "", fmt.Errorf("has an empty part")
		}
		return s[:end], s[end:], nil
	}
	end := strings.IndexByte(s[1:], '"') + 1
	if end < 2 || (end+1 < len(s) && s[end+1] != '.') {
		return "", "", fmt.Errorf("has a double quote without its other")
	}
	return s[1:end], s[end+1:], nil
}

// expression is a part as a regular expression, which PostgreSQL and Go read alike.
func expression(part string) string {
	var b strings.Builder
	b.WriteString("^")
	for _, r := range part {
		switch r {
		case '*':
			b.WriteString(".*")
		case '?':
			b.WriteString(".")
		default:
			b.WriteString(regexp.QuoteMeta(string(r)))
		}
	}
	return b.String() + "$"
}

// expressions are the two lists that a statement takes.
func expressions(patterns []Pattern) (schemas, tables []string) {
	schemas, tables = []string{}, []string{}
	for _, p := range patterns {
		schemas, tables = append(schemas, p.schema), append(tables, p.table)
	}
	return schemas, tables
}
