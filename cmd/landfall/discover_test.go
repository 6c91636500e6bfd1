package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/landfall/landfall/internal/catalog"
	"github.com/landfall/landfall/internal/local/postgres"
)

// TestDiscover goes the whole way of a user: a catalog from a database, a table more, an update.
func TestDiscover(t *testing.T) {
	server, err := postgres.Start(t.Context(), postgres.Config{Root: "../..", Database: "hr"})
	if err != nil {
		t.Fatal(err)
	}
	defer server.Stop()
	execute := func(sql string) {
		t.Helper()
		conn, err := pgx.Connect(t.Context(), server.DSN())
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close(t.Context())
		if _, err := conn.PgConn().Exec(t.Context(), sql).ReadAll(); err != nil {
			t.Fatal(err)
		}
	}
	landfall := func(want int, args ...string) (stdout, stderr string) {
		t.Helper()
		var out, talk bytes.Buffer
		if code := run(t.Context(), append([]string{"discover", "--dsn", server.DSN()}, args...), nil, &out, &talk); code != want {
			t.Fatalf("landfall discover %v: exit code %d, want %d\n%s%s", args, code, want, &out, &talk)
		}
		if password := server.Config().Password; strings.Contains(out.String()+talk.String(), password) {
			t.Error("the password is shown")
		}
		return out.String(), talk.String()
	}

	execute("create schema hr; create table hr.a (id int primary key, updated_at timestamptz not null)")
	stdout, stderr := landfall(exitOK)
	if parsed, err := catalog.Parse("hr", []byte(stdout), catalog.StackDefaults{}); err != nil || len(parsed.Tables) != 1 {
		t.Errorf("standard output is no catalog of one table: %v\n%s", err, stdout)
	}
	for _, want := range []string{"hr.a", "no trigger sets it", "1 table (1 incremental, 0 full)"} {
		if !strings.Contains(stderr, want) {
			t.Errorf("%q is not in the report:\n%s", want, stderr)
		}
	}

	file := filepath.Join(t.TempDir(), "people.json")
	landfall(exitOK, "--secret", "x/y", "--output", file)
	landfall(exitOK, "--update", file, "--check")
	before, _ := os.ReadFile(file)

	execute("create table hr.b (id int primary key); alter table hr.a drop updated_at")
	landfall(exitDiffers, "--update", file, "--check")
	if now, _ := os.ReadFile(file); !bytes.Equal(before, now) {
		t.Error("--check writes")
	}
	stdout, _ = landfall(exitOK, "--update", file, "--json")
	var report struct {
		Tables, Findings []struct{ Table string }
		Kept             int
	}
	if err := json.Unmarshal([]byte(stdout), &report); err != nil {
		t.Fatal(err)
	}
	if len(report.Tables) != 1 || report.Tables[0].Table != "hr.b" || report.Kept != 1 || len(report.Findings) != 1 || report.Findings[0].Table != "hr.a" {
		t.Errorf("got the report %+v", report)
	}
	data, _ := os.ReadFile(file)
	parsed, err := catalog.Parse("people", data, catalog.StackDefaults{})
	if err != nil || len(parsed.Tables) != 2 || parsed.Tables[1].SecretName != "x/y" {
		t.Errorf("the updated catalog: %v\n%s", err, data)
	}
	landfall(exitError, "--schema", "sales")
	landfall(exitError, "--schema", "a.b.c")
	if code := run(t.Context(), []string{"discover"}, nil, new(bytes.Buffer), new(bytes.Buffer)); code != exitError {
		t.Errorf("without a database: exit code %d", code)
	}
}

// discoverBySecret reaches the sample database by its secret, as a user does.
func discoverBySecret(t *testing.T, exported map[string]string, password string) {
	t.Helper()
	for _, name := range []string{"AWS_ENDPOINT_URL", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_REGION"} {
		t.Setenv(name, exported[name])
	}
	var out, talk bytes.Buffer
	if code := run(t.Context(), []string{"discover", "--secret", "landfall/hr", "--schema", "hr"}, nil, &out, &talk); code != exitOK {
		t.Fatalf("exit code %d: %s", code, &talk)
	}
	parsed, err := catalog.Parse("hr", out.Bytes(), catalog.StackDefaults{})
	if err != nil || len(parsed.Tables) < 8 || parsed.Tables[0].SecretName != "landfall/hr" {
		t.Errorf("the catalog by the secret: %v\n%s", err, &out)
	}
	if strings.Contains(out.String()+talk.String(), password) {
		t.Error("the password is shown")
	}
	talk.Reset()
	if code := run(t.Context(), []string{"discover", "--secret", "landfall/nothing"}, nil, &out, &talk); code != exitError || !strings.Contains(talk.String(), "the secret landfall/nothing does not exist") {
		t.Errorf("a secret that is not there: exit code %d: %s", code, &talk)
	}
}
