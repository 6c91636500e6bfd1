package discover_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/landfall/landfall/internal/discover"
)

func TestEnginesBySize(t *testing.T) {
	cases := map[string]struct {
		reason string
		bytes  int64
		want   discover.Proposal
	}{
		"empty":   {"the cheapest", 0, discover.Proposal{Engine: "PythonShell", Capacity: 0.0625}},
		"1 GB":    {"still", 1 << 30, discover.Proposal{Engine: "PythonShell", Capacity: 0.0625}},
		"20 GB":   {"a whole DPU", 20 << 30, discover.Proposal{Engine: "PythonShell", Capacity: 1}},
		"50 GB":   {"the smallest cluster", 50 << 30, discover.Proposal{Engine: "Spark"}},
		"250 GB":  {"a worker more for every 100 GB, and more connections", 250 << 30, discover.Proposal{Engine: "Spark", Workers: 4, Connections: 8}},
		"a giant": {"there is an end to it", 1 << 45, discover.Proposal{Engine: "Spark", Workers: 10, Connections: 8}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			got := discover.Propose(discover.Table{Schema: "s", Name: "t", Bytes: c.bytes})
			if diff := cmp.Diff(c.want, discover.Proposal{Engine: got.Engine, Capacity: got.Capacity, Workers: got.Workers, Connections: got.Connections}, cmpopts.IgnoreUnexported(discover.Proposal{})); diff != "" {
				t.Errorf("%s: %s", c.reason, diff)
			}
		})
	}
}

// TestCursors: what is taken for a cursor, by name alone, with nothing else in the table.
func TestCursors(t *testing.T) {
	instant := func(name string) discover.Column {
		return discover.Column{Name: name, TemporalType: discover.Instant, NotNull: true, Nulls: -1}
	}
	for _, name := range []string{"updated_at", "UpdatedAt", "last_update", "ModifiedDate", "LastModifiedDate", "SystemModstamp", "rowupdatedts", "mtime", "date_modified", "changed_on", "sys_updated_on", "UPDATE_DATE"} {
		p := discover.Propose(discover.Table{Kind: "table", Columns: []discover.Column{instant(name)}})
		if diff := cmp.Diff([]string{name}, p.Cursor); diff != "" {
			t.Errorf("%s says when a row changed: %s", name, diff)
		}
	}
	for _, name := range []string{"created_at", "password_changed_at", "price_updated", "update_requested_at", "birthday", "valid_from", "at", "on_date", "candidate", "updates", "exchanged"} {
		p := discover.Propose(discover.Table{Kind: "table", Columns: []discover.Column{instant(name)}})
		if p.Cursor != nil {
			t.Errorf("%s does not say when a row changed, and would lose rows", name)
		}
	}
	kept := instant("weird")
	kept.Trigger = "t"
	if p := discover.Propose(discover.Table{Kind: "table", Columns: []discover.Column{instant("updated_at"), kept}}); p.Cursor[0] != "weird" {
		t.Errorf("got %v; a trigger says more than a name", p.Cursor)
	}
	for _, kind := range []string{"view", "materialized view", "foreign table"} {
		if p := discover.Propose(discover.Table{Kind: kind, Columns: []discover.Column{instant("updated_at")}}); p.LoadType != "Full" || !strings.Contains(p.Why[0], kind) {
			t.Errorf("a %s is loaded %s because %v; rows appear in it late", kind, p.LoadType, p.Why)
		}
	}
}
