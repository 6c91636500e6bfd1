package plan_test

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/landfall/landfall/internal/plan"
)

const (
	ours   = "s3://artifacts/catalogs/hr.json"
	theirs = "s3://artifacts/catalogs/sales.json"
)

func desired(workflow, fingerprint string) plan.Desired {
	return plan.Desired{Catalog: "hr", Owner: ours, Table: "hr." + workflow, Workflow: workflow, Fingerprint: fingerprint}
}

// The truth table of New, one case per line.
func TestNewDecides(t *testing.T) {
	cases := map[string]struct {
		reason   string
		desired  []plan.Desired
		observed []plan.Workflow
		prune    bool
		want     []plan.Action
	}{
		"absent":             {"nothing of that name is in Glue", []plan.Desired{desired("a", "1")}, nil, false, []plan.Action{plan.Create}},
		"same":               {"the fingerprint is the commit mark", []plan.Desired{desired("a", "1")}, []plan.Workflow{{Name: "a", Owner: ours, Fingerprint: "1"}}, true, []plan.Action{plan.None}},
		"differs":            {"parameters or layout changed", []plan.Desired{desired("a", "2")}, []plan.Workflow{{Name: "a", Owner: ours, Fingerprint: "1"}}, false, []plan.Action{plan.Update}},
		"unfinished":         {"cut off before the fingerprint was written", []plan.Desired{desired("a", "1")}, []plan.Workflow{{Name: "a", Owner: ours}}, false, []plan.Action{plan.Update}},
		"foreign":            {"not made by Landfall: never touched", []plan.Desired{desired("a", "1")}, []plan.Workflow{{Name: "a"}}, true, []plan.Action{plan.Conflict}},
		"of another catalog": {"two catalogs never touch each other's workflows", []plan.Desired{desired("a", "1")}, []plan.Workflow{{Name: "a", Owner: theirs, Fingerprint: "1"}}, true, []plan.Action{plan.Conflict}},
		"removed, kept":      {"pruning is off unless the catalog says so", nil, []plan.Workflow{{Name: "a", Owner: ours, Table: "hr.a"}}, false, []plan.Action{plan.Orphan}},
		"removed, pruned":    {"the catalog prunes", nil, []plan.Workflow{{Name: "a", Owner: ours, Table: "hr.a"}}, true, []plan.Action{plan.Delete}},
		"foreign, unclaimed": {"invisible", nil, []plan.Workflow{{Name: "a"}, {Name: "b", Owner: theirs}}, true, []plan.Action{}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			got := plan.New(c.desired, c.observed, policy(c.prune))
			actions := []plan.Action{}
			for _, change := range got.Changes {
				actions = append(actions, change.Action)
				if change.Reason == "" {
					t.Errorf("%s: change without a reason: %+v", c.reason, change)
				}
				if change.Action.Applies() != slices.ContainsFunc(got.ToApply(), func(a plan.Change) bool { return a.Workflow == change.Workflow }) {
					t.Errorf("%s: ToApply disagrees about %+v", c.reason, change)
				}
			}
			if diff := cmp.Diff(c.want, actions); diff != "" {
				t.Errorf("%s (-want +got):\n%s", c.reason, diff)
			}
		})
	}
}

func policy(prune bool) plan.Policy {
	return plan.Policy{Catalogs: map[string]string{ours: "hr"}, Prune: map[string]bool{ours: prune}}
}

func TestNewConflictsWhenTwoCatalogsClaimOneName(t *testing.T) {
	a := desired("a", "1")
	b := a
	b.Catalog, b.Owner = "sales", theirs
	got := plan.New([]plan.Desired{a, b}, []plan.Workflow{{Name: "a", Owner: ours, Fingerprint: "1"}}, policy(true))
	if n := got.Counts()[plan.Conflict]; n != 2 {
		t.Errorf("conflicts = %d, want one in each catalog: %+v", n, got.Changes)
	}
}

// The plan must not depend on the order in which Glue lists workflows or a map is walked.
func TestNewIsIndependentOfOrder(t *testing.T) {
	var d []plan.Desired
	var o []plan.Workflow
	for _, n := range []string{"a", "b", "c", "d", "e", "f"} {
		d = append(d, desired(n, "1"))
		o = append(o, plan.Workflow{Name: n + n, Owner: ours, Table: "hr." + n})
	}
	o = append(o, plan.Workflow{Name: "a", Owner: ours, Fingerprint: "1"}, plan.Workflow{Name: "b", Owner: ours})
	want := plan.New(d, o, policy(true))
	random := rand.New(rand.NewPCG(1, 2))
	for range 50 {
		random.Shuffle(len(d), func(i, j int) { d[i], d[j] = d[j], d[i] })
		random.Shuffle(len(o), func(i, j int) { o[i], o[j] = o[j], o[i] })
		if diff := cmp.Diff(want, plan.New(d, o, policy(true))); diff != "" {
			t.Fatalf("plan changed with the order (-want +got):\n%s", diff)
		}
	}
}

func TestFingerprintTellsEveryParameterApart(t *testing.T) {
	base := plan.Parameters{WorkflowName: "w", SourceTable: "a.b", NumberOfWorkers: 2}
	variants := map[string]plan.Parameters{"base": base}
	v := base
	v.SourceTable = "a.c"
	variants["table"] = v
	v = base
	v.NumberOfWorkers = 3
	variants["workers"] = v
	v = base
	v.Tags = `{"a":"b"}`
	variants["tags"] = v
	seen := map[string]string{}
	for name, p := range variants {
		for _, layout := range []string{"l1", "l2"} {
			f := plan.Fingerprint(p, layout)
			if other, ok := seen[f]; ok {
				t.Errorf("%s/%s and %s share a fingerprint", name, layout, other)
			}
			seen[f] = name + "/" + layout
			if f != plan.Fingerprint(p, layout) {
				t.Errorf("fingerprint of %s is not stable", name)
			}
		}
	}
}
