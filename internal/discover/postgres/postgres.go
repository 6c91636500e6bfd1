// Package postgres describes the tables of a PostgreSQL database for discover.
//
// It reads PostgreSQL's own catalogs, never a table, in a few statements for
// all tables together.
package postgres

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/landfall/landfall/internal/catalog"
	"github.com/landfall/landfall/internal/dbsecret"
	"github.com/landfall/landfall/internal/discover"
)

// application is the name of the session in PostgreSQL's views.
const application = "landfall discover"

// settings make names UTF-8 and statistics the same for every login: in another zone a moment may have another year.
const settings = `SET LOCAL statement_timeout = '60s'; SET LOCAL lock_timeout = '5s'; SET LOCAL application_name = '` + application + `';
SET LOCAL client_encoding = 'UTF8'; SET LOCAL timezone = 'UTC'; SET LOCAL datestyle = 'ISO'`

const connectTimeout = 15 * time.Second

// Source is a PostgreSQL database. It implements discover.Source.
type Source struct{ conn *pgx.Conn }

// New is the database of an open connection.
func New(conn *pgx.Conn) *Source { return &Source{conn} }

// Connect reaches the database by a secret. No part of the secret is in the error.
func Connect(ctx context.Context, s dbsecret.Secret) (discover.Source, error) {
	config, err := Config(s)
	if err != nil {
		return nil, err
	}
	return connect(ctx, config)
}

// ConnectURL reaches the database by a URL as psql takes it; PGPASSWORD and ~/.pgpass count too.
func ConnectURL(ctx context.Context, url string) (discover.Source, error) {
	config, err := pgx.ParseConfig(url)
	if err != nil {
		return nil, fmt.Errorf("the URL cannot be used: %w", err)
	}
	return connect(ctx, config)
}

func connect(ctx context.Context, config *pgx.ConnConfig) (discover.Source, error) {
	config.RuntimeParams["application_name"] = application
	config.ConnectTimeout = connectTimeout
	conn, err := pgx.ConnectConfig(ctx, config)
	if err != nil {
		return nil, fmt.Errorf("connect to the database: %w", err)
	}
	return New(conn), nil
}

// Close ends the connection.
func (s *Source) Close(ctx context.Context) error { return s.conn.Close(ctx) }

// kinds are discover's, by relkind.
var kinds = map[string]string{
	"r": discover.PlainTable, "p": discover.PartitionedTable, "f": discover.ForeignTable, "v": discover.View, "m": discover.MaterializedView,
}

// Describe reads the catalogs of the database, in one transaction that is read-only.
func (s *Source) Describe(ctx context.Context, o discover.Options) (*discover.Database, error) {
	tx, err := s.conn.BeginTx(ctx, pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly})
	if err != nil {
		return nil, fmt.Errorf("begin to describe the database: %w", err)
	}
	defer func() { _ = tx.Rollback(context.WithoutCancel(ctx)) }()
	if _, err := tx.Exec(ctx, settings); err != nil {
		return nil, fmt.Errorf("begin to describe the database: %w", err)
	}
	r := &reader{tx: tx, database: &discover.Database{}}
	if err := r.server(ctx); err != nil {
		return nil, err
	}
	found, err := r.relations(ctx, o)
	if err != nil {
		return nil, err
	}
	if len(found) == 0 && len(o.Listed) == 0 {
		return nil, r.nothing(ctx, o)
	}
	if err := r.details(ctx, r.landable(found)); err != nil {
		return nil, err
	}
	return r.database, r.listed(ctx, o.Listed)
}

// reader is one Describe.
type reader struct {
	tx       pgx.Tx
	database *discover.Database
}

func (r *reader) server(ctx context.Context) error {
	var replica, sees bool
	if err := r.tx.QueryRow(ctx, aboutServer).Scan(&r.database.Name, &replica, &sees); err != nil {
		return fmt.Errorf("read the server's state: %w", err)
	}
	switch {
	case replica:
		r.note("The server is a replica, which does not show the transactions still open: loads stay LagSeconds behind.")
	case !sees:
		r.note("The login cannot see the transactions still open, so loads stay LagSeconds behind: GRANT pg_read_all_stats to it.")
	}
	return nil
}

func (r *reader) note(text string) { r.database.Notes = append(r.database.Notes, text) }

// relation is a row of the statement relations.
type relation struct {
	oid                     uint32
	table                   discover.Table
	usage, selects, rowRule bool
	rewritten, populated    bool
	parents                 []uint32
}

func (r *reader) relations(ctx context.Context, o discover.Options) ([]relation, error) {
	tables := o.Tables
	if len(tables) == 0 {
		tables = []discover.Pattern{{Schema: "*", Table: "*"}}
	}
	schemas, names := expressions(tables)
	notSchemas, notNames := expressions(o.Exclude)
	taken := []string{"r", "p", "f"}
	if o.Views {
		taken = append(taken, "v", "m")
	}
	rows, _ := r.tx.Query(ctx, relations, schemas, names, notSchemas, notNames, taken)
	found, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (rel relation, err error) {
		err = row.Scan(&rel.oid, &rel.table.Schema, &rel.table.Name, &rel.table.Kind, &rel.table.Bytes, &rel.table.Rows, &rel.table.Below,
			&rel.usage, &rel.selects, &rel.rowRule, &rel.rewritten, &rel.populated, &rel.parents)
		rel.table.Kind = kinds[rel.table.Kind]
		return rel, err
	})
	if err != nil {
		return nil, fmt.Errorf("list the tables: %w", err)
	}
	return found, nil
}

// nothing returns the error for patterns that match no table.
func (r *reader) nothing(ctx context.Context, o discover.Options) error {
	rows, _ := r.tx.Query(ctx, schemas)
	all, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return fmt.Errorf("list the schemas: %w", err)
	}
	var asked []string
	for _, p := range o.Tables {
		asked = append(asked, p.String())
	}
	if len(asked) == 0 {
		return fmt.Errorf("the database %s has no tables", r.database.Name)
	}
	return fmt.Errorf("no table of the database %s matches %s; its schemas are %s", r.database.Name, strings.Join(asked, " or "), strings.Join(all, ", "))
}

// landable drops what lands with a table above it, and what the login may not read.
func (r *reader) landable(all []relation) []relation {
	byOID := map[uint32]*relation{}
	for i := range all {
		byOID[all[i].oid] = &all[i]
	}
	return slices.DeleteFunc(slices.Clone(all), func(rel relation) bool {
		for _, parent := range rel.parents {
			above, ok := byOID[parent]
			if ok && above.table.Kind != discover.PartitionedTable {
				r.leaveOut(rel.table, "lands with "+above.table.SourceTable()+", from which it inherits", false)
			}
			if ok {
				return true // a partition is part of its table
			}
		}
		switch {
		case !rel.usage:
			r.leaveOut(rel.table, "the login may not use its schema: GRANT USAGE ON SCHEMA "+quoted(rel.table.Schema)+" and GRANT SELECT", true)
			return true
		case rel.rowRule:
			r.leaveOut(rel.table, "row-level security would hide rows: give the login BYPASSRLS, or another login", true)
			return true
		case !rel.populated:
			r.leaveOut(rel.table, "it has not been populated: REFRESH MATERIALIZED VIEW", false)
			return true
		}
		return false
	})
}

// listed reads the columns of the listed tables that exist.
func (r *reader) listed(ctx context.Context, tables []catalog.Table) error {
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
	r.database.Listed = map[string][]string{}
	rows, _ := r.tx.Query(ctx, listed, schemas, names)
	var n int
	var exists bool
	var columns []string
	_, err := pgx.ForEachRow(rows, []any{&n, &exists, &columns}, func() error {
		if exists {
			r.database.Listed[tables[n-1].SourceTable] = columns
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("read the tables of the catalog: %w", err)
	}
	return nil
}

func (r *reader) leaveOut(t discover.Table, reason string, unreadable bool) {
	r.database.LeftOut = append(r.database.LeftOut, discover.LeftOut{Table: t.SourceTable(), Reason: reason, Unreadable: unreadable})
}

func quoted(identifier string) string { return pgx.Identifier{identifier}.Sanitize() }
