package postgres

import (
	"regexp"
	"strings"

	"github.com/landfall/landfall/internal/discover"
)

// expression is a part of a pattern as a regular expression of PostgreSQL.
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
func expressions(patterns []discover.Pattern) (schemas, tables []string) {
	schemas, tables = []string{}, []string{}
	for _, p := range patterns {
		schemas, tables = append(schemas, expression(p.Schema)), append(tables, expression(p.Table))
	}
	return schemas, tables
}
