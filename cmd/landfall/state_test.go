package main

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/landfall/landfall/internal/commitlog"
)

// testState goes on where testStatus ended: hr.employees has three records in database hr, one in payroll.
func testState(t *testing.T, d *testStack) {
	const records = "hr/hr.employees/_landfall/commits/"
	steps := []struct {
		name, reason string
		args         []string
		code         int
		want         string // of stdout and stderr
		records      int    // afterwards
	}{
		{"no such table", "a typo must not make a table", []string{"state", "show", "hr.employes"}, exitError, "landfall status lists the tables", 3},
		{"no table at all", "", []string{"state", "show", "employees"}, exitError, "the form is schema.table", 3},
		{"two databases", "a guess could change the wrong one", []string{"state", "show", "hr.employees"}, exitError, "several databases (hr, payroll)", 3},
		{"never landed", "", []string{"state", "show", "hr.jobs"}, exitError, "has not landed", 3},
		{"show", "", []string{"state", "show", "hr.employees", "--database", "hr"}, exitOK, "from 2026-11-01 00:00:00+00", 3},
		{"show quoted", "the canonical form is found", []string{"state", "show", `"hr"."employees"`, "--database", "hr"}, exitOK, "set, by me", 3},
		{"set nonsense", "the job could not read it", []string{"state", "set", "hr.employees", "yesterday", "--database", "hr"}, exitError, "write it like 2026-11-24 21:10:00+00", 3},
		{"set a number", "the cursor is a timestamptz", []string{"state", "set", "hr.employees", "7", "--database", "hr"}, exitError, "which is of type timestamptz", 3},
		{"set again", "it is so already", []string{"state", "set", "hr.employees", "2026-11-01 00:00:00+00", "--database", "hr"}, exitOK, "already", 3},
		{"set forwards unasked", "rows would be passed over", []string{"state", "set", "hr.employees", "2026-11-20", "--database", "hr"}, exitError, "pass --yes", 3},
		{"set forwards", "", []string{"state", "set", "hr.employees", "2026-11-20", "--database", "hr", "--yes"}, exitOK, "begins at 2026-11-20", 4},
		{"set backwards", "nothing is lost by it", []string{"state", "set", "hr.employees", "2026-10-01", "--database", "hr"}, exitOK, "begins at 2026-10-01", 5},
		{"backfill", "", []string{"backfill", "hr.employees", "--from", "2026-09-01", "--to", "2026-09-02", "--database", "hr", "--no-start"}, exitOK, "is requested. The next run", 5},
		{"backfill again", "requested once", []string{"backfill", "hr.employees", "--from", "2026-09-01", "--to", "2026-09-02", "--database", "hr"}, exitOK, "was already requested. Workflow hr_hr_employees was started", 5},
		{"backfill upside down", "", []string{"backfill", "hr.employees", "--from", "2026-09-02", "--to", "2026-09-01", "--database", "hr"}, exitError, "is not before", 5},
		{"pending", "", []string{"state", "show", "hr.employees", "--database", "hr"}, exitOK, "from 2026-09-01 to 2026-09-02", 5},
		{"reset unasked", "a whole table is read again", []string{"state", "reset", "hr.employees", "--database", "hr"}, exitError, "pass --yes", 5},
		{"reset", "", []string{"state", "reset", "hr.employees", "--database", "hr", "-y"}, exitOK, "readers see what has landed", 6},
		{"reset again", "it is so already", []string{"state", "reset", "hr.employees", "--database", "hr", "-y"}, exitOK, "already", 6},
		{"show reset", "", []string{"state", "show", "hr.employees", "--database", "hr"}, exitOK, "from the start", 6},
	}
	for _, s := range steps {
		code, out, talk := landfall(t, s.args...)
		if code != s.code || !strings.Contains(out+talk, s.want) {
			t.Errorf("%s (%s): exit code %d, want %d with %q:\n%s%s", s.name, s.reason, code, s.code, s.want, out, talk)
		}
		listed, err := d.Raw.List(t.Context(), records)
		if err != nil || len(listed) != s.records {
			t.Errorf("%s: %d records, want %d, %v", s.name, len(listed), s.records, err)
		}
	}
	var set, reset commitlog.Record
	if err := errors.Join(d.Raw.GetJSON(t.Context(), records+"00000005.json", &set), d.Raw.GetJSON(t.Context(), records+"00000006.json", &reset)); err != nil {
		t.Fatal(err)
	}
	if set.Kind != commitlog.StateKind || set.Seq != 5 || set.Base != 1 || set.Action != "set" || set.Watermark == nil || *set.Watermark != "2026-10-01" || !strings.Contains(set.By, "@") {
		t.Errorf("the record of set: %+v", set)
	}
	if reset.Action != "reset" || reset.Watermark != nil || reset.Base != 1 || reset.CommittedAt.IsZero() {
		t.Errorf("the record of reset: %+v", reset)
	}
	var shown shownState
	if code, out, _ := landfall(t, "state", "show", "hr.employees", "--database", "hr", "--json"); code != exitOK || json.Unmarshal([]byte(out), &shown) != nil {
		t.Fatalf("exit code %d: %s", code, out)
	}
	// sha256 of "backfill\n2026-09-01\n2026-09-02\n5", as the job computes it.
	if len(shown.Pending) != 1 || shown.Pending[0].ID != "07ed7d08cd21f26b" || shown.Pending[0].After != 5 || shown.Watermark != nil || shown.Batch.Seq != 2 || shown.Last.Seq != 6 {
		t.Errorf("shown %+v", shown)
	}
}
