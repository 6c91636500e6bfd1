package demo

import (
	"bytes"
	"fmt"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/jackc/pgx/v5"
	"github.com/parquet-go/parquet-go"
	"github.com/rclone/gofakes3"
	"github.com/rclone/gofakes3/s3mem"

	"github.com/landfall/landfall/internal/catalog"
	"github.com/landfall/landfall/internal/local"
	"github.com/landfall/landfall/internal/local/postgres"
	"github.com/landfall/landfall/internal/local/sample"
	"github.com/landfall/landfall/internal/s3"
	"github.com/landfall/landfall/internal/terminal"
)

const rawBucket = "raw"

// compared is a demo with a real PostgreSQL and a raw layer in memory, as far as comparing needs them.
func compared(t *testing.T, out *bytes.Buffer) *demo {
	t.Helper()
	server, err := postgres.Start(t.Context(), postgres.Config{Root: "../../..", Database: sample.Database, Settings: map[string]string{"fsync": "off"}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Stop() })
	d := &demo{print: &terminal.Printer{Out: out}, watermarks: map[string]string{}, took: map[string]int{}, records: map[string]int{}}
	if d.db, err = pgx.Connect(t.Context(), server.DSN()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = d.db.Close(t.Context()) })
	backend := s3mem.New()
	if err := backend.CreateBucket(t.Context(), rawBucket); err != nil {
		t.Fatal(err)
	}
	endpoint := httptest.NewServer(gofakes3.New(backend).Server())
	t.Cleanup(endpoint.Close)
	d.aws = aws.Config{Region: local.DefaultRegion, BaseEndpoint: &endpoint.URL, Credentials: credentials.NewStaticCredentialsProvider("k", "s", "")}
	d.raw = s3.New(d.aws, rawBucket)
	return d
}

func (d *demo) put(t *testing.T, key string, body []byte) {
	t.Helper()
	if err := d.raw.Put(t.Context(), key, body, "application/octet-stream"); err != nil {
		t.Fatal(err)
	}
}

// commit puts what a job leaves behind: a file of rows, and unless it was cut off the commit record.
func (d *demo) commit(t *testing.T, table string, batch, rows int, committed bool) {
	t.Helper()
	var file bytes.Buffer
	if err := parquet.Write(&file, make([]struct{ ID int64 }, rows)); err != nil {
		t.Fatal(err)
	}
	prefix := sample.Database + "/" + table + "/"
	d.put(t, fmt.Sprintf("%sbatch=%d/part-0.parquet", prefix, batch), file.Bytes())
	if committed {
		d.put(t, fmt.Sprintf("%s_landfall/commits/%08d.json", prefix, batch), fmt.Appendf(nil, `{"version": 1, "seq": %d, "batch": "%[1]d", "watermark": "2026-11-24 21:00:00+00"}`, batch))
	}
}

// The demo's verdict is worth nothing unless it can be the other one.
func TestTheVerdictNamesTheTablesThatDiffer(t *testing.T) {
	var out bytes.Buffer
	d := compared(t, &out)
	if _, err := d.db.Exec(t.Context(), `CREATE SCHEMA hr; CREATE TABLE hr.same AS SELECT generate_series(1, 3) id, now() updated_at;
		CREATE TABLE hr.less AS TABLE hr.same; CREATE TABLE hr.more AS TABLE hr.same; CREATE TABLE hr.never AS TABLE hr.same; CREATE TABLE hr.cut AS TABLE hr.same; CREATE TABLE hr.empty AS TABLE hr.same WITH NO DATA`); err != nil {
		t.Fatal(err)
	}
	d.commit(t, "hr.same", 1, 3, true)
	d.commit(t, "hr.less", 1, 2, true)
	d.commit(t, "hr.more", 1, 3, true)
	d.commit(t, "hr.more", 2, 1, true) // the same rows once more, or others
	d.commit(t, "hr.cut", 1, 3, false) // files that no commit record publishes are not landed
	var tables []catalog.Table
	for _, name := range []string{"hr.same", "hr.less", "hr.more", "hr.never", "hr.cut", "hr.empty"} {
		tables = append(tables, catalog.Table{SourceTable: name, LoadType: catalog.Full, DeltaColumnName: []string{"updated_at"}})
	}
	if err := d.compare(t.Context(), tables); err != nil {
		t.Fatal(err)
	}
	if want := []string{"hr.less", "hr.more", "hr.never", "hr.cut"}; !slices.Equal(d.differs, want) {
		t.Errorf("differs: %v, want %v", d.differs, want)
	}
	for line := range strings.Lines(out.String()) {
		name, _, _ := strings.Cut(strings.TrimSpace(line), " ")
		if strings.HasPrefix(name, "hr.") && strings.Contains(line, "DIFFERS") != slices.Contains(d.differs, name) {
			t.Errorf("%s is shown as %q", name, line)
		}
	}
	out.Reset()
	d.differs = append(d.differs, "hr.less")
	d.verdict()
	if want := "\nVerdict: what was landed differs from the source: hr.cut, hr.less, hr.more, hr.never. See the tables above.\n"; out.String() != want {
		t.Errorf("the verdict is %q, want %q", out.String(), want)
	}
	out.Reset()
	d.differs = nil
	d.verdict()
	if !strings.Contains(out.String(), "nothing differs") {
		t.Errorf("the verdict is %q", out.String())
	}
}

// A later pass counts what has come since: an incremental table from its watermark on.
func TestALaterPassComparesWhatCameSince(t *testing.T) {
	var out bytes.Buffer
	d := compared(t, &out)
	if _, err := d.db.Exec(t.Context(), `CREATE SCHEMA hr; CREATE TABLE hr.a AS SELECT generate_series(1, 3) id, timestamptz '2026-11-24 20:00:00+00' updated_at`); err != nil {
		t.Fatal(err)
	}
	tables := []catalog.Table{{SourceTable: "hr.a", LoadType: catalog.Incremental, DeltaColumnName: []string{"updated_at"}}}
	passes := []struct {
		reason  string
		change  string
		landed  int
		differs bool
	}{
		{"the first load is the whole table", "SELECT", 3, false},
		{"two rows came after the watermark", "INSERT INTO hr.a VALUES (4, '2026-11-24 22:00:00+00'), (5, '2026-11-24 21:00:00+00')", 2, false},
		{"the same two are still due for a lookback, and one of them was lost", "SELECT", 1, true},
	}
	for i, p := range passes {
		if _, err := d.db.Exec(t.Context(), p.change); err != nil {
			t.Fatal(err)
		}
		d.commit(t, "hr.a", i+1, p.landed, true)
		d.differs = nil
		if err := d.compare(t.Context(), tables); err != nil {
			t.Fatal(err)
		}
		if (len(d.differs) > 0) != p.differs {
			t.Errorf("pass %d (%s): differs: %v\n%s", i+1, p.reason, d.differs, out.String())
		}
	}
}
