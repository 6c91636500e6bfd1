package postgres_test

import (
	"context"
	"crypto/tls"
	"encoding/pem"
	"flag"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/landfall/landfall/internal/catalog"
	"github.com/landfall/landfall/internal/dbsecret"
	"github.com/landfall/landfall/internal/discover"
	"github.com/landfall/landfall/internal/discover/postgres"
	local "github.com/landfall/landfall/internal/local/postgres"
)

var update = flag.Bool("update", false, "write the golden files")

var server *local.Server

func TestMain(m *testing.M) {
	flag.Parse()
	os.Exit(run(m))
}

func run(m *testing.M) int {
	var err error
	if server, err = local.Start(context.Background(), local.Config{Root: "../../..", Settings: map[string]string{"fsync": "off"}}); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	code := m.Run()
	if err := server.Stop(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return code
}

// database creates a database, runs scripts in it, and connects to it as a user.
func database(t *testing.T, name, user string, scripts ...string) *pgx.Conn {
	t.Helper()
	connect := func(change func(*pgx.ConnConfig)) *pgx.Conn {
		config, err := pgx.ParseConfig(server.DSN())
		if err != nil {
			t.Fatal(err)
		}
		change(config)
		conn, err := pgx.ConnectConfig(t.Context(), config)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = conn.Close(context.Background()) })
		return conn
	}
	execute(t, connect(func(*pgx.ConnConfig) {}), "CREATE DATABASE "+pgx.Identifier{name}.Sanitize())
	owner := connect(func(c *pgx.ConnConfig) { c.Database = name })
	for _, script := range scripts {
		execute(t, owner, script)
	}
	if user == "" {
		return owner
	}
	return connect(func(c *pgx.ConnConfig) { c.Database, c.User, c.Password = name, user, user })
}

func execute(t *testing.T, conn *pgx.Conn, script string) {
	t.Helper()
	if _, err := conn.PgConn().Exec(t.Context(), script).ReadAll(); err != nil {
		t.Fatal(err)
	}
}

func read(t *testing.T, file string) string {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func describe(t *testing.T, conn *pgx.Conn, o discover.Options) *discover.Database {
	t.Helper()
	found, err := discover.Describe(t.Context(), postgres.New(conn), o)
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func propose(found *discover.Database) []discover.Proposal {
	var proposals []discover.Proposal
	for _, table := range found.Tables {
		proposals = append(proposals, discover.Propose(table))
	}
	return proposals
}

// good fails unless Parse and the JSON Schema take the catalog.
func good(t *testing.T, name string, data []byte) *catalog.Catalog {
	t.Helper()
	parsed, err := catalog.Parse(name, data, catalog.StackDefaults{})
	if err != nil {
		t.Fatalf("%v\n%s", err, data)
	}
	document, err := jsonschema.UnmarshalJSON(strings.NewReader(string(catalog.Schema())))
	if err != nil {
		t.Fatal(err)
	}
	compiler := jsonschema.NewCompiler()
	if err := compiler.AddResource("s.json", document); err != nil {
		t.Fatal(err)
	}
	instance, err := jsonschema.UnmarshalJSON(strings.NewReader(strings.TrimPrefix(string(data), "\ufeff")))
	if err != nil {
		t.Fatal(err)
	}
	if err := compiler.MustCompile("s.json").Validate(instance); err != nil {
		t.Errorf("the schema refuses it: %v", err)
	}
	return parsed
}

// golden compares a catalog, and the report without what differs from run to run, with the golden files.
func golden(t *testing.T, name string, data []byte, found *discover.Database) {
	t.Helper()
	var report strings.Builder
	for _, p := range propose(found) {
		fmt.Fprintf(&report, "%s: %s\n", p.Table, strings.Join(p.Why, "; "))
	}
	for _, l := range found.LeftOut {
		fmt.Fprintf(&report, "left out: %s: %s (unreadable: %v)\n", l.Table, l.Reason, l.Unreadable)
	}
	for _, f := range found.Findings {
		fmt.Fprintf(&report, "check: %s %s\n", f.Table, f.What)
	}
	for _, note := range found.Notes {
		fmt.Fprintf(&report, "note: %s\n", note)
	}
	for file, got := range map[string]string{name + ".json": string(data), name + ".report": report.String()} {
		file = filepath.Join("testdata", file)
		if *update {
			if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		if diff := cmp.Diff(read(t, file), got); diff != "" {
			t.Errorf("%s (-update writes it): %s", file, diff)
		}
	}
}

func TestTheSampleDatabase(t *testing.T) {
	conn := database(t, "hr", "", read(t, "../../../examples/hr/schema.sql"), read(t, "../../../examples/hr/data.sql"), "analyze")
	found := describe(t, conn, discover.Options{})
	data := discover.New("hr", "landfall/hr", propose(found))
	golden(t, "hr", data, found)
	// What a person wrote for this database says the same.
	byHand, err := catalog.Parse("hr", []byte(read(t, "../../../examples/hr/catalogs/hr.json")), catalog.StackDefaults{})
	if err != nil {
		t.Fatal(err)
	}
	discovered := map[string]catalog.Table{}
	for _, table := range good(t, "hr", data).Tables {
		discovered[table.SourceTable] = table
	}
	for _, table := range byHand.Tables {
		got := discovered[table.SourceTable]
		if got.LoadType != table.LoadType || !cmp.Equal(got.PrimaryKey, table.PrimaryKey) || !cmp.Equal(got.DeltaColumnName, table.DeltaColumnName) {
			t.Errorf("%s: got %s by %v with key %v, by hand it is %s by %v with key %v", table.SourceTable,
				got.LoadType, got.DeltaColumnName, got.PrimaryKey, table.LoadType, table.DeltaColumnName, table.PrimaryKey)
		}
	}
}

func TestAForeignDatabase(t *testing.T) {
	conn := database(t, "odd; name", "reader", read(t, "testdata/odd.sql"))
	found := describe(t, conn, discover.Options{})
	data := discover.New("odd", "landfall/odd", propose(found))
	good(t, "odd", data)
	golden(t, "odd", data, found)
}

// TestViews: views are taken when they are asked for, and a materialized view when there is something in it.
func TestViews(t *testing.T) {
	conn := database(t, "views", "", `create table public.t (id int); create view public.v as select * from public.t;
		create materialized view public.m as select * from public.t; create materialized view public.unfilled as select * from public.t with no data`)
	for want, o := range map[string]discover.Options{
		"table public.t": {},
		"materialized view public.m, table public.t, view public.v; public.unfilled: it has not been populated: REFRESH MATERIALIZED VIEW": {Views: true},
	} {
		found := describe(t, conn, o)
		var got []string
		for _, p := range propose(found) {
			got = append(got, p.Kind+" "+p.Table)
		}
		text := strings.Join(got, ", ")
		for _, l := range found.LeftOut {
			text += "; " + l.Table + ": " + l.Reason
		}
		if text != want {
			t.Errorf("got %s; want %s", text, want)
		}
	}
}

// TestEncodings: the names of a database in another encoding than UTF-8, asked for by a name and given back.
func TestEncodings(t *testing.T) {
	first := database(t, "first", "")
	for encoding, name := range map[string]string{"LATIN1": "größe", "EUC_JP": "表", "KOI8R": "имя", "SQL_ASCII": "é"} {
		t.Run(encoding, func(t *testing.T) {
			execute(t, first, fmt.Sprintf("CREATE DATABASE %[1]s ENCODING '%[1]s' LOCALE 'C' TEMPLATE template0", encoding))
			config := first.Config().Copy()
			config.Database = strings.ToLower(encoding)
			conn, err := pgx.ConnectConfig(t.Context(), config)
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = conn.Close(context.Background()) }()
			for _, statement := range []string{"SET client_encoding = 'UTF8'", fmt.Sprintf("CREATE TABLE %[1]q (%[1]q int PRIMARY KEY)", name), "RESET client_encoding"} {
				execute(t, conn, statement)
			}
			pattern, err := discover.ParsePattern("public." + name)
			if err != nil {
				t.Fatal(err)
			}
			found := describe(t, conn, discover.Options{Tables: []discover.Pattern{pattern}})
			if len(found.Tables) != 1 || found.Tables[0].Name != name || found.Tables[0].Columns[0].Name != name {
				t.Errorf("got %+v, want the table %s with a column of that name", found.Tables, name)
			}
		})
	}
}

func TestNothingMatches(t *testing.T) {
	conn := database(t, "empty", "", "create schema sales; create table sales.a (id int)")
	p, err := discover.ParsePattern("sale.*")
	if err != nil {
		t.Fatal(err)
	}
	_, err = discover.Describe(t.Context(), postgres.New(conn), discover.Options{Tables: []discover.Pattern{p}})
	if want := "no table of the database empty matches sale.*; its schemas are public, sales"; err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

func TestPatterns(t *testing.T) {
	conn := database(t, "patterns", "", `create schema "a.b"; create schema sales; create table sales.orders (); create table sales."o.d" ();
		create table "a.b".orders (); create table public.tmp_1 (); create table public."50%" ()`)
	cases := map[string]struct {
		reason           string
		tables, excluded []string
		want             []string
	}{
		"all":               {"no pattern is every pattern", nil, nil, []string{`"a.b".orders`, "public.50%", "public.tmp_1", `sales."o.d"`, "sales.orders"}},
		"a schema":          {"all of it", []string{"sales"}, nil, []string{`sales."o.d"`, "sales.orders"}},
		"a star":            {"any characters, also none", []string{"s*.*ers"}, nil, []string{"sales.orders"}},
		"a question mark":   {"one character", []string{"*.tmp_?"}, nil, []string{"public.tmp_1"}},
		"quotes":            {"a part with a dot", []string{`"a.b".*`, `sales."o.d"`}, nil, []string{`"a.b".orders`, `sales."o.d"`}},
		"no wildcards":      {"of SQL or of regular expressions", []string{"public.50%", "public.tmp.1"}, nil, []string{"public.50%"}},
		"left out":          {"what is left out wins", []string{"sales.*", "public.*"}, []string{"*.tmp_*", "sales.o*"}, []string{"public.50%"}},
		"upper case counts": {"as everywhere", []string{"Sales.*", "public.*"}, nil, []string{"public.50%", "public.tmp_1"}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			var o discover.Options
			for _, list := range []struct {
				texts []string
				into  *[]discover.Pattern
			}{{c.tables, &o.Tables}, {c.excluded, &o.Exclude}} {
				for _, text := range list.texts {
					p, err := discover.ParsePattern(text)
					if err != nil {
						if text == "public.tmp.1" {
							continue // three parts
						}
						t.Fatal(err)
					}
					*list.into = append(*list.into, p)
				}
			}
			var got []string
			for _, l := range describe(t, conn, o).LeftOut { // none has columns
				got = append(got, l.Table)
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("%s: %s", c.reason, diff)
			}
		})
	}
	for _, bad := range []string{"", ".a", "a.", "a.b.c", `"a`, `"a"b.c`, `""`} {
		if _, err := discover.ParsePattern(bad); err == nil {
			t.Errorf("the pattern %q is taken", bad)
		}
	}
}

// TestNothingIsWrittenOrWaitedFor: the session is read-only, and a table that is being written anew does not hold it up.
func TestNothingIsWrittenOrWaitedFor(t *testing.T) {
	conn := database(t, "busy", "", "create table public.a (id int primary key, updated_at timestamptz default now()); create table public.b (id int)")
	other, err := pgx.ConnectConfig(t.Context(), conn.Config())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = other.Close(context.Background()) }()
	execute(t, other, "BEGIN; ALTER TABLE public.a ADD more int; LOCK TABLE public.b IN ACCESS EXCLUSIVE MODE")
	if found := describe(t, conn, discover.Options{}); len(found.Tables) != 2 {
		t.Errorf("got %d tables, want both", len(found.Tables))
	}
	var name, readOnly string
	if err := conn.QueryRow(t.Context(), "SELECT current_setting('transaction_read_only'), current_setting('statement_timeout')").Scan(&readOnly, &name); err != nil {
		t.Fatal(err)
	}
	if readOnly != "off" || name != "0" {
		t.Errorf("the session is left changed: read-only %s, statement_timeout %s", readOnly, name)
	}
}

func TestAThousandTables(t *testing.T) {
	var script strings.Builder
	script.WriteString("create schema big;")
	for i := range 1000 {
		fmt.Fprintf(&script, "create table big.t%04d (id bigint primary key, %s updated_at timestamptz not null default now());", i, manyColumns())
	}
	conn := database(t, "thousand", "", script.String())
	counter := &queries{}
	config := conn.Config().Copy()
	config.Tracer = counter
	traced, err := pgx.ConnectConfig(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = traced.Close(context.Background()) }()
	found := describe(t, traced, discover.Options{})
	data := discover.New("big", "landfall/big", propose(found))
	if got := len(good(t, "big", data).Tables); got != 1000 {
		t.Errorf("got %d tables, want 1000", got)
	}
	// A few statements for all of them: BEGIN, settings, catalogs, ROLLBACK.
	if counter.n > 15 {
		t.Errorf("%d statements were sent; want a few for all tables together", counter.n)
	}
}

func manyColumns() string {
	var b strings.Builder
	for i := range 12 {
		fmt.Fprintf(&b, "c%d text, ", i)
	}
	return b.String()
}

// queries counts the statements that a connection sends.
type queries struct{ n int }

func (q *queries) TraceQueryStart(ctx context.Context, _ *pgx.Conn, _ pgx.TraceQueryStartData) context.Context {
	q.n++
	return ctx
}

func (q *queries) TraceQueryEnd(context.Context, *pgx.Conn, pgx.TraceQueryEndData) {}

func TestConfig(t *testing.T) {
	secret := dbsecret.Secret{Host: "db.example", Port: 6432, Database: "h r", Username: "u'x", Password: `p\a's s`}
	config, err := postgres.Config(secret)
	if err != nil {
		t.Fatal(err)
	}
	if config.Host != "db.example" || config.Port != 6432 || config.Database != "h r" || config.User != "u'x" || config.Password != `p\a's s` {
		t.Errorf("got %s:%d %s %s", config.Host, config.Port, config.Database, config.User)
	}
	secret.Port = 0
	if config, err = postgres.Config(secret); err != nil || config.Port != 5432 {
		t.Errorf("got %v, %v; want PostgreSQL's own port", config, err)
	}
	secret.SSLMode = "sometimes"
	if _, err := postgres.Config(secret); err == nil || strings.Contains(err.Error(), secret.Password) {
		t.Errorf("got error %v, want one about the mode without the password", err)
	}
}

// TestConfigProvesTheServer: with verify-full the certificate must descend from sslrootcert.
func TestConfigProvesTheServer(t *testing.T) {
	secure := httptest.NewTLSServer(http.NotFoundHandler()) // its certificate is for example.com and 127.0.0.1
	defer secure.Close()
	authority := string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: secure.Certificate().Raw}))
	secret := dbsecret.Secret{Host: "127.0.0.1", Database: "d", Username: "u", Password: "p", SSLMode: "verify-full", SSLRootCert: authority}
	config, err := postgres.Config(secret)
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		server string
		good   bool
	}{"its own": {"127.0.0.1", true}, "another": {"elsewhere.example", false}} {
		verify := config.TLSConfig.Clone()
		verify.ServerName = c.server
		conn, err := tls.Dial("tcp", secure.Listener.Addr().String(), verify)
		if (err == nil) != c.good {
			t.Errorf("%s name: got error %v, want trusted = %v", name, err, c.good)
		}
		if err == nil {
			_ = conn.Close()
		}
	}
	if len(config.Fallbacks) > 0 {
		t.Error("a connection without TLS would be tried too")
	}
	secret.SSLRootCert = strings.Replace(authority, "BEGIN CERTIFICATE", "BEGIN NOTHING", 1)
	if _, err := postgres.Config(secret); err == nil {
		t.Error("an sslrootcert without certificates is taken")
	}
}

// TestWhatNoLongerHolds: a listed table that is gone, and columns that are, are found, whatever the patterns.
func TestWhatNoLongerHolds(t *testing.T) {
	conn := database(t, "moved", "", `create schema hr; create table hr.a (id int, updated timestamptz); create view hr.v as select 1 as id; create table hr.b (id int)`)
	c, err := catalog.Parse("hr", []byte(`{"Defaults": {"SecretName": "s"}, "WorkflowList": [
		{"SourceTable": "hr.a", "DeltaColumnName": ["updated", "made"], "PrimaryKey": "ID", "S3PartitionColumnName": "city", "Columns": {"x": {"Rule": "Drop"}, "id": {}}},
		{"SourceTable": "hr.v", "LoadType": "Full"}, {"SourceTable": "hr.gone"}, {"SourceTable": "HR.a"}]}`), catalog.StackDefaults{})
	if err != nil {
		t.Fatal(err)
	}
	p, err := discover.ParsePattern("hr.b")
	if err != nil {
		t.Fatal(err)
	}
	got := describe(t, conn, discover.Options{Tables: []discover.Pattern{p}, Listed: c.Tables}).Findings
	want := []discover.Finding{
		{Table: "hr.a", What: "has no column made, which DeltaColumnName names"},
		{Table: "hr.a", What: "has no column ID, which PrimaryKey names"},
		{Table: "hr.a", What: "has no column city, which S3PartitionColumnName names"},
		{Table: "hr.a", What: "has no column x, which Columns names"},
		{Table: "hr.gone", What: "is not in the database", Gone: true},
		{Table: "HR.a", What: "is not in the database", Gone: true},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
