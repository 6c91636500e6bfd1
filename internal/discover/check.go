package discover

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/landfall/landfall/internal/catalog"
)

// Finding is what a catalog says of a table and the database does not.
type Finding struct {
	Table string `json:"table"`
	What  string `json:"what"`
	// Gone says that the table is not there at all.
	Gone bool `json:"gone"`
}

// check looks for the tables of a catalog, and for the columns that it names.
func (l *look) check(ctx context.Context, tables []catalog.Table) error {
	if len(tables) == 0 {
		return nil
	}
	var schemas, names []string
	for _, t := range tables {
		schema, table, err := catalog.SplitTable(t.SourceTable)
		if err != nil {
			return err
		}
		schemas, names = append(schemas, schema), append(names, table)
	}
	rows, _ := l.tx.Query(ctx, listed, schemas, names)
	var n int
	var there bool
	var columns []string
	_, err := pgx.ForEachRow(rows, []any{&n, &there, &columns}, func() error {
		t := tables[n-1]
		if !there {
			l.find(t, "is not in the database", true)
			return nil
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
				l.find(t, fmt.Sprintf("has no column %s, which %s names", strings.Join(missing, ", "), key.name), false)
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("look for the tables of the catalog: %w", err)
	}
	return nil
}

func (l *look) find(t catalog.Table, what string, gone bool) {
	l.database.Findings = append(l.database.Findings, Finding{t.SourceTable, what, gone})
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
