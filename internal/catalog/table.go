package catalog

import "fmt"

// CanonicalTable is the canonical form of schema.table, under which a table
// lands: a part is double-quoted only when it must be.
func CanonicalTable(s string) (string, error) {
	schema, table, err := SplitTable(s)
	if err != nil {
		return "", fmt.Errorf("%q is not a table: %w; the form is schema.table", s, err)
	}
	return quoteIdentifier(schema) + "." + quoteIdentifier(table), nil
}
