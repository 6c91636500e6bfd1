package discover_test

import (
	"context"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/landfall/landfall/internal/catalog"
	"github.com/landfall/landfall/internal/discover"
)

// source is a database of an engine that does not exist.
type source struct {
	found *discover.Database
	err   error
}

func (s source) Describe(context.Context, discover.Options) (*discover.Database, error) {
	return s.found, s.err
}

func (s source) Close(context.Context) error { return nil }

func table(name string, columns ...string) discover.Table {
	t := discover.Table{Schema: "s", Name: name, Kind: discover.PlainTable}
	for _, c := range columns {
		t.Columns = append(t.Columns, discover.Column{Name: c})
	}
	return t
}

// TestTablesThatCannotLand: the rules of landing hold for every engine.
func TestTablesThatCannotLand(t *testing.T) {
	found, err := discover.Describe(t.Context(), source{found: &discover.Database{
		Tables:  []discover.Table{table("good", "a"), table("bare"), table("cases", "a", "A"), table("ours", "Ingestion_Timestamp")},
		LeftOut: []discover.LeftOut{{Table: "s.denied", Reason: "GRANT", Unreadable: true}},
	}}, discover.Options{})
	if err != nil {
		t.Fatal(err)
	}
	want := []discover.LeftOut{
		{Table: "s.bare", Reason: "it has no columns"},
		{Table: "s.cases", Reason: "its columns a and A differ in case only, which readers cannot tell apart"},
		{Table: "s.denied", Reason: "GRANT", Unreadable: true},
		{Table: "s.ours", Reason: "it has a column Ingestion_Timestamp of its own, which landing would add"},
	}
	if diff := cmp.Diff(want, found.LeftOut); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]discover.Table{table("good", "a")}, found.Tables); diff != "" {
		t.Error(diff)
	}
}

func TestListedTablesAreChecked(t *testing.T) {
	listed := []catalog.Table{
		{SourceTable: "s.gone"},
		{SourceTable: "s.full", LoadType: catalog.Full, DeltaColumnName: catalog.Columns{"not read"}},
		{
			SourceTable: "s.columns", LoadType: catalog.Incremental, DeltaColumnName: catalog.Columns{"a", "x"}, PrimaryKey: []string{"y"},
			S3PartitionColumnName: "z", Columns: map[string]map[string]string{"a": {}, "w": {}, "v": {}},
		},
	}
	found, err := discover.Describe(t.Context(), source{found: &discover.Database{
		Listed: map[string][]string{"s.full": {"a"}, "s.columns": {"a", "b"}},
	}}, discover.Options{Listed: listed})
	if err != nil {
		t.Fatal(err)
	}
	want := []discover.Finding{
		{Table: "s.gone", What: "is not in the database", Gone: true},
		{Table: "s.columns", What: "has no column x, which DeltaColumnName names"},
		{Table: "s.columns", What: "has no column y, which PrimaryKey names"},
		{Table: "s.columns", What: "has no column z, which S3PartitionColumnName names"},
		{Table: "s.columns", What: "has no column v, w, which Columns names"},
	}
	if diff := cmp.Diff(want, found.Findings); diff != "" {
		t.Error(diff)
	}
}

func TestErrorsOfTheSourceAreReturned(t *testing.T) {
	failed := errors.New("no")
	if _, err := discover.Describe(t.Context(), source{err: failed}, discover.Options{}); !errors.Is(err, failed) {
		t.Errorf("got error %v", err)
	}
}
