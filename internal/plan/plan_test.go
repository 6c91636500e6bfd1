package plan_test

import (
	"fmt"
	"maps"
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
		"cut off":            {"changed half way: neither the old nor the new", []plan.Desired{desired("a", "1")}, []plan.Workflow{{Name: "a", Owner: ours, Fingerprint: plan.Updating}}, false, []plan.Action{plan.Update}},
		"broken":             {"its fingerprint is right and it cannot work", []plan.Desired{desired("a", "1")}, []plan.Workflow{{Name: "a", Owner: ours, Fingerprint: "1", Broken: "its start trigger is gone"}}, false, []plan.Action{plan.Update}},
		"of a blueprint":     {"made by a blueprint, and the catalog does not adopt", []plan.Desired{desired("a", "1")}, []plan.Workflow{{Name: "a", Blueprint: "sample"}}, false, []plan.Action{plan.Conflict}},
		"staging left":       {"an update was cut off and its table is in sync", []plan.Desired{desired("a", "1")}, []plan.Workflow{{Name: "a", Owner: ours, Fingerprint: "1"}, {Name: plan.Staging("a"), Owner: ours, Table: "hr.a"}}, true, []plan.Action{plan.None, plan.Clean}},
		"foreign, unclaimed": {"invisible", nil, []plan.Workflow{{Name: "a"}, {Name: "b", Owner: theirs}}, true, []plan.Action{}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			got := plan.New(c.desired, c.observed, nil, policy(c.prune))
			actions := []plan.Action{}
			for _, change := range got.Changes {
				actions = append(actions, change.Action)
				if change.Reason == "" {
					t.Errorf("%s: change without a reason: %+v", c.reason, change)
				}
				if change.Action.Applies() != slices.ContainsFunc(got.ToApply(), func(a plan.Change) bool { return a.Workflow == change.Workflow && a.Action == change.Action }) {
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
	return plan.Policy{Catalogs: map[string]plan.Rules{ours: {Catalog: "hr", Prune: prune, PruneLimitPercent: 20}}}
}

func TestNewConflictsWhenTwoCatalogsClaimOneName(t *testing.T) {
	a := desired("a", "1")
	b := a
	b.Catalog, b.Owner = "sales", theirs
	got := plan.New([]plan.Desired{a, b}, []plan.Workflow{{Name: "a", Owner: ours, Fingerprint: "1"}}, nil, policy(true))
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
	want := plan.New(d, o, nil, policy(true))
	random := rand.New(rand.NewPCG(1, 2))
	for range 50 {
		random.Shuffle(len(d), func(i, j int) { d[i], d[j] = d[j], d[i] })
		random.Shuffle(len(o), func(i, j int) { o[i], o[j] = o[j], o[i] })
		if diff := cmp.Diff(want, plan.New(d, o, nil, policy(true))); diff != "" {
			t.Fatalf("plan changed with the order (-want +got):\n%s", diff)
		}
	}
}

func TestFingerprintTellsEveryParameterApart(t *testing.T) {
	base := plan.Values{"WorkflowName": "w", "SourceTable": "a.b", "NumberOfWorkers": 2.0}
	variants := map[string]plan.Values{"base": base}
	for name, change := range map[string][2]any{"table": {"SourceTable", "a.c"}, "workers": {"NumberOfWorkers", 3.0}, "tags": {"Tags", `{"a":"b"}`}} {
		v := maps.Clone(base)
		v[change[0].(string)] = change[1]
		variants[name] = v
	}
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

func TestAdoptTakesOverWhatABlueprintMade(t *testing.T) {
	p := policy(false)
	p.Catalogs[ours] = plan.Rules{Catalog: "hr", Adopt: true}
	got := plan.New([]plan.Desired{desired("a", "1"), desired("b", "1")}, []plan.Workflow{{Name: "a", Blueprint: "sample"}, {Name: "b"}}, nil, p)
	want := []plan.Action{plan.Update, plan.Conflict}
	if got.Changes[0].Action != want[0] || !got.Changes[0].Adopt || got.Changes[1].Action != want[1] {
		t.Errorf("%+v, want the one that a blueprint made adopted and the one made by hand left alone", got.Changes)
	}
}

// The guard counts the workflows that the catalog owns, and one may always go.
func TestPruneLimit(t *testing.T) {
	for name, c := range map[string]struct {
		owned, gone, percent int
		want                 plan.Action
	}{
		"one of two":      {2, 1, 20, plan.Delete},
		"two of ten":      {10, 2, 20, plan.Delete},
		"three of ten":    {10, 3, 20, plan.Conflict},
		"all, overridden": {10, 10, 100, plan.Delete},
		"one, at zero":    {10, 1, 0, plan.Delete},
	} {
		t.Run(name, func(t *testing.T) {
			var d []plan.Desired
			var o []plan.Workflow
			for i := range c.owned {
				w := fmt.Sprintf("w%02d", i)
				o = append(o, plan.Workflow{Name: w, Owner: ours, Table: "hr." + w, Fingerprint: "1"})
				if i >= c.gone {
					d = append(d, desired(w, "1"))
				}
			}
			got := plan.New(d, o, nil, plan.Policy{Catalogs: map[string]plan.Rules{ours: {Catalog: "hr", Prune: true, PruneLimitPercent: c.percent}}})
			if n := got.Counts()[c.want]; n != c.gone {
				t.Errorf("%d changes of action %s, want %d: %+v", n, c.want, c.gone, got.Counts())
			}
		})
	}
}

// A catalog outside the plan that claims a name, or lands the same table from the same secret, is a conflict here too.
func TestClaimsOfOtherCatalogs(t *testing.T) {
	d := []plan.Desired{desired("a", "1"), desired("b", "1"), desired("c", "1")}
	d[1].Place = "secret\x00hr.b\x00raw"
	p := policy(false)
	p.Claims = []plan.Claim{{Catalog: "sales", Workflow: "a"}, {Catalog: "sales", Workflow: "x", Place: d[1].Place}}
	if n := plan.New(d, nil, nil, p).Counts(); n[plan.Conflict] != 2 || n[plan.Create] != 1 {
		t.Errorf("%+v, want two conflicts and one create", n)
	}
}
