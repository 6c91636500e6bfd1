// Package discover proposes a catalog from what a PostgreSQL database says of its tables.
//
// Look reads PostgreSQL's own catalogs, never a table, in a few statements for all tables together; Propose decides for
// one table; New and Update write the catalog.
package discover

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/landfall/landfall/internal/catalog"
)

// Application is how the session is called in PostgreSQL's views.
const Application = "landfall discover"

// settings make names UTF-8 and statistics the same for every login: in another zone a moment may have another year.
const settings = `SET LOCAL statement_timeout = '60s'; SET LOCAL lock_timeout = '5s'; SET LOCAL application_name = '` + Application + `';
SET LOCAL client_encoding = 'UTF8'; SET LOCAL timezone = 'UTC'; SET LOCAL datestyle = 'ISO'`

// Options say which tables are looked at.
type Options struct {
	// Tables are patterns; none means all.
	Tables []Pattern
	// Exclude are patterns of tables to leave out.
	Exclude []Pattern
	// Views takes views and materialized views too.
	Views bool
	// Listed are tables of a catalog that are looked for.
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

// Table is one table as the database describes it.
type Table struct {
	Schema, Name string
	// Kind is table, partitioned table, view, materialized view or foreign table.
	Kind string
	// Bytes and Rows count partitions and tables below it too. Rows is the last ANALYZE's estimate, -1 when unknown.
	Bytes, Rows int64
	// Below is how many partitions or tables are below it.
	Below int64
	// Key are the columns that tell rows apart; KeyOf is the index that says so, empty for the primary key.
	Key     []string
	KeyOf   string
	Columns []Column
}

// Column is a column of a table.
type Column struct {
	Name string
	// Type is the declared type.
	Type string
	// Moment is date, timestamp or timestamptz for a column that can be a cursor, also below a domain.
	Moment string
	// Unbounded says that it is numeric, and that no Parquet decimal holds it for certain.
	Unbounded bool
	// Unknown says that its type is none that Landfall knows.
	Unknown bool
	NotNull bool
	// Nulls is the share of NULLs that ANALYZE saw, -1 when unknown.
	Nulls float64
	// Odd says that ANALYZE saw values that the Parquet type cannot hold.
	Odd bool
	// Default is the default's SQL.
	Default string
	// Index begins with the column; empty when none does.
	Index    string
	mayBeOdd odd
	// Trigger sets the column to the time before every update; empty when none does.
	Trigger string
}

var kinds = map[string]string{"r": "table", "p": "partitioned table", "f": "foreign table", "v": "view", "m": "materialized view"}

// Look reads the catalogs of the database, in one transaction that is read-only.
func Look(ctx context.Context, conn *pgx.Conn, o Options) (*Database, error) {
	tx, err := conn.BeginTx(ctx, pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly})
	if err != nil {
		return nil, fmt.Errorf("begin to look at the database: %w", err)
	}
	defer func() { _ = tx.Rollback(context.WithoutCancel(ctx)) }()
	if _, err := tx.Exec(ctx, settings); err != nil {
		return nil, fmt.Errorf("begin to look at the database: %w", err)
	}
	l := &look{tx: tx, database: &Database{}}
	if err := l.server(ctx); err != nil {
		return nil, err
	}
	found, err := l.relations(ctx, o)
	if err != nil {
		return nil, err
	}
	if len(found) == 0 && len(o.Listed) == 0 {
		return nil, l.nothing(ctx, o)
	}
	if err := l.describe(ctx, l.wanted(found)); err != nil {
		return nil, err
	}
	return l.database, l.check(ctx, o.Listed)
}

type look struct {
	tx       pgx.Tx
	database *Database
}

func (l *look) server(ctx context.Context) error {
	var replica, sees bool
	if err := l.tx.QueryRow(ctx, aboutServer).Scan(&l.database.Name, &replica, &sees); err != nil {
		return fmt.Errorf("look at the server: %w", err)
	}
	switch {
	case replica:
		l.note("The server is a replica, which does not show the transactions still open: loads stay LagSeconds behind.")
	case !sees:
		l.note("The login cannot see the transactions still open, so loads stay LagSeconds behind: GRANT pg_read_all_stats to it.")
	}
	return nil
}

func (l *look) note(text string) { l.database.Notes = append(l.database.Notes, text) }

// relation is a row of the statement relations.
type relation struct {
	oid                     uint32
	table                   Table
	usage, selects, rowRule bool
	rewritten, populated    bool
	parents                 []uint32
}

func (l *look) relations(ctx context.Context, o Options) ([]relation, error) {
	tables := o.Tables
	if len(tables) == 0 {
		tables = []Pattern{{schema: ".*", table: ".*"}}
	}
	schemas, names := expressions(tables)
	notSchemas, notNames := expressions(o.Exclude)
	taken := []string{"r", "p", "f"}
	if o.Views {
		taken = append(taken, "v", "m")
	}
	rows, _ := l.tx.Query(ctx, relations, schemas, names, notSchemas, notNames, taken)
	found, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (r relation, err error) {
		err = row.Scan(&r.oid, &r.table.Schema, &r.table.Name, &r.table.Kind, &r.table.Bytes, &r.table.Rows, &r.table.Below,
			&r.usage, &r.selects, &r.rowRule, &r.rewritten, &r.populated, &r.parents)
		r.table.Kind = kinds[r.table.Kind]
		return r, err
	})
	if err != nil {
		return nil, fmt.Errorf("list the tables: %w", err)
	}
	return found, nil
}

// nothing is the error when no table matches.
func (l *look) nothing(ctx context.Context, o Options) error {
	rows, _ := l.tx.Query(ctx, schemas)
	all, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return fmt.Errorf("list the schemas: %w", err)
	}
	var asked []string
	for _, p := range o.Tables {
		asked = append(asked, p.text)
	}
	if len(asked) == 0 {
		return fmt.Errorf("the database %s has no tables", l.database.Name)
	}
	return fmt.Errorf("no table of the database %s matches %s; its schemas are %s", l.database.Name, strings.Join(asked, " or "), strings.Join(all, ", "))
}

// wanted drops what lands with a table above it, and what the login may not read.
func (l *look) wanted(found []relation) []relation {
	byOID := map[uint32]*relation{}
	for i := range found {
		byOID[found[i].oid] = &found[i]
	}
	return slices.DeleteFunc(slices.Clone(found), func(r relation) bool {
		for _, parent := range r.parents {
			above, ok := byOID[parent]
			if ok && above.table.Kind != kinds["p"] {
				l.leaveOut(r.table, "lands with "+name(above.table)+", from which it inherits", false)
			}
			if ok {
				return true // a partition is part of its table
			}
		}
		switch {
		case !r.usage:
			l.leaveOut(r.table, "the login may not use its schema: GRANT USAGE ON SCHEMA "+quoted(r.table.Schema)+" and GRANT SELECT", true)
			return true
		case r.rowRule:
			l.leaveOut(r.table, "row-level security would hide rows: give the login BYPASSRLS, or another login", true)
			return true
		case !r.populated:
			l.leaveOut(r.table, "it has not been populated: REFRESH MATERIALIZED VIEW", false)
			return true
		}
		return false
	})
}

func (l *look) leaveOut(t Table, reason string, unreadable bool) {
	l.database.LeftOut = append(l.database.LeftOut, LeftOut{name(t), reason, unreadable})
}

func quoted(identifier string) string { return pgx.Identifier{identifier}.Sanitize() }
