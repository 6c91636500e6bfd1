package discover

import (
	"fmt"
	"strings"
)

// Pattern names tables: schema.table with * for any characters and ? for one. A part with a dot in it is put in double
// quotes. A schema alone means all its tables.
type Pattern struct {
	text string
	// Schema and Table have the wildcards * and ? in them.
	Schema, Table string
}

// String is the pattern as it was given.
func (p Pattern) String() string { return p.text }

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
	return Pattern{text: text, Schema: schema, Table: table}, nil
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
