// Package discover proposes a catalog from what a database says of its tables.
//
// A Source describes the tables; each database engine is a package below this
// one that implements it. Describe completes the description, Propose decides
// for one table; New and Update write the catalog.
package discover

import (
	"context"
	"slices"
	"strings"

	"github.com/landfall/landfall/internal/catalog"
)

// Source is a database that can describe its tables.
type Source interface {
	// Describe reads the database's own catalogs, never a table, in a session that
	// is read-only. It fills Database except for Findings, and leaves out tables
	// only for reasons of its engine, such as the rights of the login. It is an
	// error when there is nothing to describe: no table matches, and
	// Options.Listed is empty.
	Describe(ctx context.Context, o Options) (*Database, error)
	// Close ends the connection.
	Close(ctx context.Context) error
}

// Options choose the tables to describe.
type Options struct {
	// Tables are patterns; none means all.
	Tables []Pattern
	// Exclude are patterns of tables to leave out.
	Exclude []Pattern
	// Views includes views and materialized views.
	Views bool
	// Listed are tables of a catalog to check against the database.
	Listed []catalog.Table
}

// Database is what was found.
type Database struct {
	// Name is the database's own.
	Name string
	// Tables are sorted by schema and name, in the order of bytes.
	Tables []Table
	// LeftOut are tables that match but cannot or need not be landed by themselves.
	LeftOut []LeftOut
	// Listed are the columns of those tables of Options.Listed that exist, by their SourceTable.
	Listed map[string][]string
	// Findings are what no longer holds of Options.Listed.
	Findings []Finding
	// Notes concern all tables.
	Notes []string
}

// LeftOut is a table that gets no entry, and why.
type LeftOut struct {
	Table  string `json:"table"`
	Reason string `json:"reason"`
	// Unreadable says that the login's rights are the reason.
	Unreadable bool `json:"unreadable"`
}

// Kinds of tables.
const (
	PlainTable       = "table"
	PartitionedTable = "partitioned table"
	ForeignTable     = "foreign table"
	View             = "view"
	MaterializedView = "materialized view"
)

// Table is one table as the database describes it.
type Table struct {
	Schema, Name string
	// Kind is PlainTable, PartitionedTable, ForeignTable, View or MaterializedView.
	Kind string
	// Bytes and Rows include partitions and tables below it. Rows is an estimate, -1 when unknown.
	Bytes, Rows int64
	// Below is how many partitions or tables are below it.
	Below int64
	// Key are the columns that tell rows apart; KeyOf is the index that says so, empty for the primary key.
	Key     []string
	KeyOf   string
	Columns []Column
}

// SourceTable is the table's name in a catalog.
func (t Table) SourceTable() string { return catalog.JoinTable(t.Schema, t.Name) }

// Types of columns that can be a cursor.
const (
	Date          = "date"
	LocalDateTime = "date and time" // without a time zone
	Instant       = "instant"       // date and time with a time zone
)

// Column is a column of a table.
type Column struct {
	Name string
	// Type is the declared type, in the words of the database.
	Type string
	// TemporalType is Date, LocalDateTime or Instant for a column that can be a cursor; empty for others.
	TemporalType string
	// Unbounded says that it is an exact number that no Parquet decimal holds for certain.
	Unbounded bool
	// Unknown says that Landfall does not know its type.
	Unknown bool
	NotNull bool
	// Nulls is the share of NULLs in the database's statistics, -1 when unknown.
	Nulls float64
	// OutOfRange says that the statistics show values that the Parquet type cannot hold.
	OutOfRange bool
	// DefaultIsNow says that the column's default is the current time.
	DefaultIsNow bool
	// Index begins with the column; empty when none does.
	Index string
	// Trigger sets the column to the time before every update; empty when none does.
	Trigger string
}

// Describe reads what the source says of its tables, leaves out what no
// database's table can be landed as, and checks the listed tables.
func Describe(ctx context.Context, s Source, o Options) (*Database, error) {
	found, err := s.Describe(ctx, o)
	if err != nil {
		return nil, err
	}
	found.Tables = slices.DeleteFunc(found.Tables, func(t Table) bool {
		reason := exclusionReason(t)
		if reason != "" {
			found.LeftOut = append(found.LeftOut, LeftOut{Table: t.SourceTable(), Reason: reason})
		}
		return reason != ""
	})
	slices.SortStableFunc(found.LeftOut, func(a, b LeftOut) int { return strings.Compare(a.Table, b.Table) })
	found.Findings = check(o.Listed, found.Listed)
	return found, nil
}

// ingestion is the column that landing adds.
const ingestion = "ingestion_timestamp"

// exclusionReason is why a table cannot be landed as it is; empty when it can.
func exclusionReason(t Table) string {
	if len(t.Columns) == 0 {
		return "it has no columns"
	}
	seen := map[string]string{}
	for _, c := range t.Columns {
		lower := strings.ToLower(c.Name)
		if lower == ingestion {
			return "it has a column " + c.Name + " of its own, which landing would add"
		}
		if earlier, ok := seen[lower]; ok {
			return "its columns " + earlier + " and " + c.Name + " differ in case only, which readers cannot tell apart"
		}
		seen[lower] = c.Name
	}
	return ""
}
