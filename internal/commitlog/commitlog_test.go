package commitlog_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/glue"
	"github.com/rclone/gofakes3"
	"github.com/rclone/gofakes3/s3mem"

	"github.com/landfall/landfall/internal/commitlog"
	"github.com/landfall/landfall/internal/s3"
)

// lake is a raw layer in memory and a Glue Data Catalog that answers GetTables.
type lake struct {
	*commitlog.Store
	t      *testing.T
	bucket *s3.Bucket
	// tables are those of the Glue Data Catalog; nil refuses the call.
	tables []any
	// beforePut, where it is set, runs once before an object is put.
	beforePut func()
	listed    []string // after which key each listing began
}

func newLake(t *testing.T) *lake {
	t.Helper()
	backend := s3mem.New()
	if err := backend.CreateBucket(t.Context(), "raw"); err != nil {
		t.Fatal(err)
	}
	l := &lake{t: t}
	objects := gofakes3.New(backend).Server()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.Header.Get("X-Amz-Target") != "" && l.tables == nil:
			w.WriteHeader(http.StatusBadRequest)
			fmt.Fprint(w, `{"__type": "AccessDeniedException", "Message": "no"}`)
		case r.Header.Get("X-Amz-Target") != "":
			_ = json.NewEncoder(w).Encode(map[string]any{"TableList": l.tables})
		default:
			if r.URL.Query().Has("list-type") {
				l.listed = append(l.listed, r.URL.Query().Get("start-after"))
			}
			if before := l.beforePut; before != nil && r.Method == http.MethodPut {
				l.beforePut = nil
				before()
			}
			objects.ServeHTTP(w, r)
		}
	}))
	t.Cleanup(server.Close)
	config := aws.Config{Region: "eu-west-1", BaseEndpoint: &server.URL, Credentials: credentials.NewStaticCredentialsProvider("k", "s", "")}
	client := s3.NewClient(config)
	l.Store, l.bucket = commitlog.New(client, glue.NewFromConfig(config)), client.Bucket("raw")
	return l
}

func (l *lake) put(key, body string) {
	l.t.Helper()
	if err := l.bucket.Put(l.t.Context(), key, []byte(body), "application/json"); err != nil {
		l.t.Fatal(err)
	}
}

// batch puts the commit record of a batch that ends at a watermark.
func (l *lake) batch(database string, seq int, loadType, watermark string) {
	l.t.Helper()
	window := "null"
	if loadType == "Incremental" {
		window = fmt.Sprintf(`{"columns": ["id"], "type": "int8", "low": null, "high": %q}`, watermark)
	}
	l.put(fmt.Sprintf("%s/hr.a/_landfall/commits/%08d.json", database, seq),
		fmt.Sprintf(`{"version": 1, "seq": %d, "base": 1, "batch": "b%[1]d", "loadType": %[2]q, "window": %[3]s, "watermark": %[4]q, "rows": 7}`, seq, loadType, window, watermark))
}

var (
	hr = commitlog.Place{Bucket: "raw", Database: "hr"}
	me = commitlog.Author{Name: "me@here", Now: time.Date(2026, 11, 24, 21, 10, 0, 0, time.UTC)}
)

func TestStateIsThatOfTheLastRecordAndTheLastBatch(t *testing.T) {
	l := newLake(t)
	if state, err := l.State(t.Context(), hr, "hr.a"); err != nil || state.Records != 0 || state.Watermark() != "" {
		t.Errorf("before the first batch: %+v, %v", state, err)
	}
	l.batch("hr", 1, "Incremental", "10")
	l.batch("hr", 2, "Incremental", "20")
	if done, err := l.Set(t.Context(), hr, "hr.a", "5", me); !done || err != nil {
		t.Fatalf("set: %t, %v", done, err)
	}
	state, err := l.State(t.Context(), hr, "hr.a")
	if err != nil || state.Records != 3 || state.Watermark() != "5" || state.Batch.Seq != 2 || state.Last.Action != "set" || state.Last.By != "me@here" || state.Last.Base != 1 {
		t.Errorf("%+v of %+v, %v", state.Last, state, err)
	}
	records, err := l.Since(t.Context(), hr, "hr.a", 1)
	if err != nil || len(records) != 2 || records[0].Seq != 2 || records[1].Seq != 3 {
		t.Errorf("since the first: %+v, %v", records, err)
	}
	l.put("hr/hr.a/_landfall/commits/00000004.json", `{"version": 2, "seq": 4}`)
	if _, err := l.State(t.Context(), hr, "hr.a"); err == nil || !strings.Contains(err.Error(), "version 2") {
		t.Errorf("a record of a later version was read: %v", err)
	}
}

// A job run commits between the command's reading and its writing.
func TestSetComesAfterABatchThatWasCommittedMeanwhile(t *testing.T) {
	l := newLake(t)
	l.batch("hr", 1, "Incremental", "10")
	l.beforePut = func() { l.batch("hr", 2, "Incremental", "20") }
	if done, err := l.Set(t.Context(), hr, "hr.a", "5", me); !done || err != nil {
		t.Fatalf("%t, %v", done, err)
	}
	state, err := l.State(t.Context(), hr, "hr.a")
	if err != nil || state.Records != 3 || state.Last.Seq != 3 || state.Watermark() != "5" || state.Batch.Watermark == nil || *state.Batch.Watermark != "20" {
		t.Errorf("%+v, %v: want the batch kept as record 2, and the change as record 3", state, err)
	}
}

func TestSetAndResetDoNothingTwice(t *testing.T) {
	l := newLake(t)
	if done, err := l.Reset(t.Context(), hr, "hr.a", me); done || err != nil {
		t.Errorf("reset of nothing: %t, %v", done, err)
	}
	l.batch("hr", 1, "Incremental", "10")
	steps := []struct {
		reason string
		change func() (bool, error)
		done   bool
	}{
		{"the watermark is there already", func() (bool, error) { return l.Set(t.Context(), hr, "hr.a", "10", me) }, false},
		{"", func() (bool, error) { return l.Set(t.Context(), hr, "hr.a", "7", me) }, true},
		{"", func() (bool, error) { return l.Reset(t.Context(), hr, "hr.a", me) }, true},
		{"it begins at the start already", func() (bool, error) { return l.Reset(t.Context(), hr, "hr.a", me) }, false},
	}
	for i, s := range steps {
		if done, err := s.change(); done != s.done || err != nil {
			t.Errorf("step %d: %t, %v; want %t: %s", i, done, err, s.done, s.reason)
		}
	}
}

func TestCheckSetReportsWhetherRowsWouldBeSkipped(t *testing.T) {
	l := newLake(t)
	l.batch("hr", 1, "Incremental", "10")
	l.batch("full", 1, "Full", "")
	cases := map[string]struct {
		reason, database, watermark string
		skips, fails                bool
	}{
		"forwards":    {"rows between the two have not landed", "hr", "11", true, false},
		"backwards":   {"rows land again, and none is lost", "hr", "9", false, false},
		"the same":    {"", "hr", "10", false, false},
		"other type":  {"the cursor is a number", "hr", "2026-11-24", false, true},
		"a full load": {"it has no watermark", "full", "11", false, true},
		"not landed":  {"the first load would have begun at the start", "none", "11", true, false},
	}
	for name, c := range cases {
		skips, err := l.CheckSet(t.Context(), commitlog.Place{Bucket: "raw", Database: c.database}, "hr.a", c.watermark)
		if skips != c.skips || (err != nil) != c.fails {
			t.Errorf("%s: %t, %v: %s", name, skips, err, c.reason)
		}
	}
}

func TestBackfillIsRequestedOnce(t *testing.T) {
	l := newLake(t)
	if _, _, err := l.Backfill(t.Context(), hr, "hr.a", "1", "5", me); err == nil {
		t.Error("a backfill of a table that never landed")
	}
	l.batch("hr", 1, "Incremental", "10")
	if _, _, err := l.Backfill(t.Context(), hr, "hr.a", "5", "1", me); err == nil {
		t.Error("a backfill from the end to the beginning")
	}
	for i, want := range []bool{true, false} {
		if _, asked, err := l.Backfill(t.Context(), hr, "hr.a", "1", "5", me); asked != want || err != nil {
			t.Errorf("request %d: %t, %v", i, asked, err)
		}
	}
	pending, err := l.Pending(t.Context(), hr, "hr.a")
	if err != nil || len(pending) != 1 || pending[0].From != "1" || pending[0].To != "5" || pending[0].After != 1 {
		t.Errorf("%+v, %v", pending, err)
	}
	// After the next commit the same rows may be wrong again.
	l.batch("hr", 2, "Incremental", "20")
	if _, asked, err := l.Backfill(t.Context(), hr, "hr.a", "1", "5", me); !asked || err != nil {
		t.Errorf("after another commit: %t, %v", asked, err)
	}
}

func TestFindNeedsADatabaseOnlyWhereThereAreSeveral(t *testing.T) {
	l := newLake(t)
	if _, _, err := l.Find(t.Context(), "raw", "", "hr.a"); err == nil || !strings.Contains(err.Error(), "has not landed") {
		t.Errorf("nothing has landed: %v", err)
	}
	l.batch("hr", 1, "Incremental", "10")
	l.put("other/hr.b/_landfall/commits/00000001.json", `{}`)
	if p, state, err := l.Find(t.Context(), "raw", "", "hr.a"); err != nil || p.Database != "hr" || state.Records != 1 {
		t.Errorf("%+v, %+v, %v", p, state, err)
	}
	l.batch("payroll", 1, "Incremental", "10")
	if _, _, err := l.Find(t.Context(), "raw", "", "hr.a"); err == nil || !strings.Contains(err.Error(), "hr, payroll") {
		t.Errorf("two databases: %v", err)
	}
	if p, _, err := l.Find(t.Context(), "raw", "payroll", "hr.a"); err != nil || p.Database != "payroll" {
		t.Errorf("%+v, %v", p, err)
	}
}

// A table of years has thousands of records; the Glue Data Catalog knows how far they have been registered.
func TestPlacesSpareTheListingOfRegisteredRecords(t *testing.T) {
	location := map[string]string{"Location": "s3://raw/hr/hr.a/"}
	cases := map[string]struct {
		reason string
		tables []any
		after  string
	}{
		"registered":       {"records before the registered one are not listed", []any{map[string]any{"Name": "a", "Parameters": map[string]string{"landfall:table": "hr/hr.a", "landfall:seq": "3"}, "StorageDescriptor": location}}, "00000002.json"},
		"another bucket":   {"a table of that name elsewhere says nothing", []any{map[string]any{"Name": "a", "Parameters": map[string]string{"landfall:table": "hr/hr.a", "landfall:seq": "3"}, "StorageDescriptor": map[string]string{"Location": "s3://other/hr/hr.a/"}}}, ""},
		"another's table":  {"it is not Landfall's", []any{map[string]any{"Name": "a", "StorageDescriptor": location}}, ""},
		"no right to look": {"all records are listed instead", nil, ""},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			l := newLake(t)
			l.tables = c.tables
			for seq := range 4 {
				l.batch("hr", seq+1, "Incremental", fmt.Sprint(seq))
			}
			places, err := l.Places(t.Context(), "raw")
			if err != nil || len(places) != 1 {
				t.Fatalf("%+v, %v", places, err)
			}
			state, err := l.State(t.Context(), places[0], "hr.a")
			if err != nil || state.Records != 4 {
				t.Errorf("%+v, %v", state, err)
			}
			if after := l.listed[len(l.listed)-1]; !strings.HasSuffix(after, c.after) || (c.after == "") != (after == "") {
				t.Errorf("listed after %q, want after %q: %s", after, c.after, c.reason)
			}
		})
	}
}
