package discover

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/landfall/landfall/internal/catalog"
)

// Finding is what a catalog says of a table and the database does not.
type Finding struct {
	Table string `json:"table"`
	What  string `json:"what"`
	// Gone says that the table does not exist.
	Gone bool `json:"gone"`
}

// check compares the tables of a catalog, and the columns that it names, with
// the columns of those that exist.
func check(tables []catalog.Table, existing map[string][]string) []Finding {
	var findings []Finding
	for _, t := range tables {
		columns, ok := existing[t.SourceTable]
		if !ok {
			findings = append(findings, Finding{t.SourceTable, "is not in the database", true})
			continue
		}
		for _, key := range []struct {
			name  string
			names []string
		}{
			{"DeltaColumnName", cursorColumns(t)},
			{"PrimaryKey", t.PrimaryKey},
			{"S3PartitionColumnName", partitionColumns(t)},
			{"Columns", slices.Sorted(maps.Keys(t.Columns))},
		} {
			missing := slices.DeleteFunc(slices.Clone(key.names), func(name string) bool { return slices.Contains(columns, name) })
			if len(missing) > 0 {
				findings = append(findings, Finding{t.SourceTable, fmt.Sprintf("has no column %s, which %s names", strings.Join(missing, ", "), key.name), false})
			}
		}
	}
	return findings
}

func cursorColumns(t catalog.Table) []string {
	if t.LoadType != catalog.Incremental {
		return nil
	}
	return t.DeltaColumnName
}

func partitionColumns(t catalog.Table) []string {
	if t.S3PartitionColumnName == "" {
		return nil
	}
	return []string{t.S3PartitionColumnName}
}
