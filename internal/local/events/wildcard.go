package events

import (
	"fmt"
	"regexp"
	"strings"
)

// wildcard compiles a pattern in which * stands for any text, \* for an asterisk and \\ for a backslash. Two
// asterisks in a row are refused, as by EventBridge.
func wildcard(pattern string) (func(string) bool, error) {
	var expression strings.Builder
	expression.WriteString(`(?s)\A`)
	runes := []rune(pattern)
	for i := 0; i < len(runes); i++ {
		switch {
		case runes[i] == '\\' && i+1 < len(runes) && (runes[i+1] == '*' || runes[i+1] == '\\'):
			i++
			expression.WriteString(regexp.QuoteMeta(string(runes[i])))
		case runes[i] == '\\':
			return nil, fmt.Errorf("wildcard %q: a backslash stands before * or another backslash only", pattern)
		case runes[i] == '*' && i+1 < len(runes) && runes[i+1] == '*':
			return nil, fmt.Errorf("wildcard %q: consecutive asterisks", pattern)
		case runes[i] == '*':
			expression.WriteString(".*")
		default:
			expression.WriteString(regexp.QuoteMeta(string(runes[i])))
		}
	}
	compiled, err := regexp.Compile(expression.String() + `\z`)
	if err != nil {
		return nil, fmt.Errorf("wildcard %q: %w", pattern, err)
	}
	return compiled.MatchString, nil
}
