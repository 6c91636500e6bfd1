package hr_test

import (
	"context"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"github.com/landfall/landfall/internal/catalog"
	"github.com/landfall/landfall/internal/local/postgres"
)

var tables = []string{"countries", "departments", "dependents", "employees", "everything", "job_history", "jobs", "locations", "regions"}

// TestSampleDatabase runs the scripts in a real PostgreSQL, in the order of the demo.
func TestSampleDatabase(t *testing.T) {
	ctx := t.Context()
	db := connect(ctx, t)

	run(ctx, t, db, "schema.sql")
	run(ctx, t, db, "data.sql")
	first := contents(ctx, t, db)
	// Another time zone and a second run must not change the rows.
	exec(ctx, t, db, "set time zone 'Asia/Kathmandu'")
	run(ctx, t, db, "schema.sql")
	run(ctx, t, db, "data.sql")
	run(ctx, t, db, "data.sql")
	exec(ctx, t, db, "set time zone 'UTC'")
	if diff := cmp.Diff(first, contents(ctx, t, db)); diff != "" {
		t.Errorf("a second run makes other rows: %s", diff)
	}
	for _, name := range tables {
		if name != "regions" {
			checkUpdates(ctx, t, db, name)
		}
	}
	for _, name := range []string{"hr", "hr-next", "minimal", "sample-format"} {
		checkCatalog(ctx, t, db, name)
	}

	before := rows(ctx, t, db)
	run(ctx, t, db, "changes.sql")
	checkChanges(ctx, t, db, before)
}

// TestTheSecondCatalogIsOneStepOn checks that one table is added, one edited and one removed, as the demo announces.
func TestTheSecondCatalogIsOneStepOn(t *testing.T) {
	before, after := parse(t, "hr"), parse(t, "hr-next")
	if !before.Prune || !after.Prune {
		t.Error("both catalogs must prune, or the removed table's workflow stays")
	}
	if got := len(before.Tables); got != 8 {
		t.Errorf("hr.json has %d tables, want 8", got)
	}
	old := map[string]catalog.Table{}
	for _, table := range before.Tables {
		old[table.SourceTable] = table
	}
	var added, edited []string
	for _, table := range after.Tables {
		was, ok := old[table.SourceTable]
		delete(old, table.SourceTable)
		if !ok {
			added = append(added, table.SourceTable)
		} else if !cmp.Equal(was, table) {
			edited = append(edited, table.SourceTable)
		}
	}
	if len(old) != 1 || !cmp.Equal(added, []string{"hr.dependents"}) || !cmp.Equal(edited, []string{"hr.jobs"}) {
		t.Errorf("added %v, edited %v, removed %d tables", added, edited, len(old))
	}
}

func connect(ctx context.Context, t *testing.T) *pgx.Conn {
	t.Helper()
	server, err := postgres.Start(ctx, postgres.Config{Root: "../..", Database: "hr"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := server.Stop(); err != nil {
			t.Error(err)
		}
	})
	db, err := pgx.Connect(ctx, server.DSN())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close(context.WithoutCancel(ctx)) })
	return db
}

func run(ctx context.Context, t *testing.T, db *pgx.Conn, file string) {
	t.Helper()
	script, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := db.PgConn().Exec(ctx, string(script)).ReadAll(); err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	// The temporary functions of a script exist until its session ends.
	exec(ctx, t, db, "discard temp")
}

func exec(ctx context.Context, t *testing.T, db *pgx.Conn, statement string) {
	t.Helper()
	if _, err := db.Exec(ctx, statement); err != nil {
		t.Fatal(err)
	}
}

func scan[T any](ctx context.Context, t *testing.T, db *pgx.Conn, query string, args ...any) T {
	t.Helper()
	var v T
	if err := db.QueryRow(ctx, query, args...).Scan(&v); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return v
}

// contents returns a hash of every table.
func contents(ctx context.Context, t *testing.T, db *pgx.Conn) map[string]string {
	t.Helper()
	hashes := map[string]string{}
	for _, name := range tables {
		hashes[name] = scan[string](ctx, t, db, "select md5(string_agg(row::text, '|' order by row::text)) from hr."+name+" as row")
	}
	return hashes
}

func rows(ctx context.Context, t *testing.T, db *pgx.Conn) map[string]int {
	t.Helper()
	counts := map[string]int{}
	for _, name := range tables {
		counts[name] = scan[int](ctx, t, db, "select count(*) from hr."+name)
	}
	return counts
}

// checkUpdates fails unless every row was last updated in 2024 and the rows cover more than half of its months.
func checkUpdates(ctx context.Context, t *testing.T, db *pgx.Conn, name string) {
	t.Helper()
	var elsewhere, months int
	err := db.QueryRow(ctx, "select count(*) filter (where extract(year from updated_at) is distinct from 2024), count(distinct date_trunc('month', updated_at)) from hr."+name).Scan(&elsewhere, &months)
	if err != nil {
		t.Fatal(err)
	}
	if elsewhere > 0 || months < 7 {
		t.Errorf("%s: %d rows were not updated in 2024; the others in %d months", name, elsewhere, months)
	}
}

func parse(t *testing.T, name string) *catalog.Catalog {
	t.Helper()
	data, err := os.ReadFile("catalogs/" + name + ".json")
	if err != nil {
		t.Fatal(err)
	}
	c, err := catalog.Parse("hr", data, catalog.StackDefaults{})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// checkCatalog compares the tables and keys of a catalog with the database.
func checkCatalog(ctx context.Context, t *testing.T, db *pgx.Conn, name string) {
	t.Helper()
	for _, table := range parse(t, name).Tables {
		columns := scan[[]string](ctx, t, db, "select array_agg(attname::text) from pg_attribute where attrelid = $1::text::regclass and attnum > 0", table.SourceTable)
		key := scan[[]string](ctx, t, db, `select array_agg(a.attname::text order by k.n) from pg_index i, unnest(i.indkey) with ordinality k(attnum, n), pg_attribute a
			where i.indrelid = $1::text::regclass and i.indisprimary and a.attrelid = i.indrelid and a.attnum = k.attnum`, table.SourceTable)
		if table.PrimaryKey != nil && !cmp.Equal(table.PrimaryKey, key) {
			t.Errorf("%s: %s has the primary key %v, the catalog says %v", name, table.SourceTable, key, table.PrimaryKey)
		}
		wanted := []string{}
		if table.LoadType == catalog.Incremental {
			wanted = append(wanted, table.DeltaColumnName...)
		}
		if table.S3PartitionColumnName != "" {
			wanted = append(wanted, table.S3PartitionColumnName)
		}
		for _, column := range wanted {
			if !slices.Contains(columns, column) {
				t.Errorf("%s: %s has no column %s", name, table.SourceTable, column)
			}
		}
	}
}

// checkChanges compares the effect of changes.sql with the table in its first comment.
func checkChanges(ctx context.Context, t *testing.T, db *pgx.Conn, before map[string]int) {
	t.Helper()
	script, err := os.ReadFile("changes.sql")
	if err != nil {
		t.Fatal(err)
	}
	type change struct{ Updated, Inserted int }
	want, got := map[string]change{}, map[string]change{}
	for _, m := range regexp.MustCompile(`(?m)^--   (\w+) +(\d+) +(\d+)`).FindAllStringSubmatch(string(script), -1) {
		updated, _ := strconv.Atoi(m[2])
		inserted, _ := strconv.Atoi(m[3])
		want[m[1]] = change{updated, inserted}
	}
	for name, n := range rows(ctx, t, db) {
		c := change{Inserted: n - before[name]}
		if name != "regions" {
			c.Updated = scan[int](ctx, t, db, fmt.Sprintf("select count(*) from hr.%s where updated_at >= $1", name), time.Date(2025, 1, 1, 0, 0, 0, 0, time.UTC)) - c.Inserted
		}
		if c != (change{}) {
			got[name] = c
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("changes.sql says otherwise: %s", diff)
	}
}
