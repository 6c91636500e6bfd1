package reconcile_test

import (
	"context"
	"errors"
	"testing"

	"github.com/landfall/landfall/internal/plan"
	"github.com/landfall/landfall/internal/reconcile"
)

// facts is a Glue that knows these blueprint runs and tags, and nothing else.
type facts struct {
	runs map[string]string // parameters by run ID
	tags map[string]map[string]string
	err  error
}

func (f facts) GetBlueprintRun(_ context.Context, _, id string) (reconcile.BlueprintRun, error) {
	parameters, ok := f.runs[id]
	if !ok {
		return reconcile.BlueprintRun{}, errors.Join(reconcile.ErrNotFound, f.err)
	}
	return reconcile.BlueprintRun{ID: id, Parameters: parameters}, f.err
}

func (f facts) Tags(_ context.Context, _, name string) (map[string]string, error) {
	tags, ok := f.tags[name]
	if !ok {
		return nil, reconcile.ErrNotFound
	}
	return tags, f.err
}

func ownership(f facts) reconcile.Ownership { return reconcile.Ownership{Runs: f, Tags: f} }

const (
	hrOwner    = "s3://artifacts/catalogs/hr.json"
	salesOwner = "s3://artifacts/catalogs/sales.json"
)

var hrClaim = reconcile.Claim{Owner: hrOwner, Tables: []string{"hr.a", "hr.old"}, Workflow: "hr_hr_a", Blueprint: "landfall", RunID: "ours"}

// A row for each row of the table in the comment of Ownership.
func TestOwnershipOfAWorkflow(t *testing.T) {
	glue := facts{runs: map[string]string{"ours": "{}", "before": `{"Owner": "` + hrOwner + `"}`, "sales": `{"Owner": "` + salesOwner + `"}`, "sample": `{"WorkflowName": "hr_hr_a"}`}}
	workflow := func(owner, blueprint, run string) reconcile.Workflow {
		return reconcile.Workflow{Workflow: plan.Workflow{Name: "hr_hr_a", Owner: owner, Blueprint: blueprint}, BlueprintRunID: run}
	}
	staging := workflow("", "sample", "sample")
	staging.Name = plan.Staging("hr_hr_a")
	cases := map[string]struct {
		reason string
		w      reconcile.Workflow
		adopt  bool
		ours   bool
	}{
		"the owner property is ours":                   {"the workflow is finished, or its layout writes the owner", workflow(hrOwner, "", ""), false, true},
		"the owner property is another's":              {"whoever made it", workflow(salesOwner, "landfall", "ours"), false, false},
		"another's, though it is adopted":              {"only what nobody owns can be adopted", workflow(salesOwner, "sample", "sample"), true, false},
		"made by this execution's run":                 {"its parameters need not be read", workflow("", "landfall", "ours"), false, true},
		"made by a run with our owner":                 {"of an execution that was cut off", workflow("", "landfall", "before"), false, true},
		"made by a run of another owner":               {"the other catalog's execution will finish it", workflow("", "landfall", "sales"), false, false},
		"made by a run that is not known":              {"a run that Glue has forgotten proves nothing", workflow("", "landfall", "forgotten"), false, false},
		"made by another blueprint":                    {"nobody's, and the catalog does not adopt", workflow("", "sample", "sample"), false, false},
		"made by another blueprint, adopts":            {"the catalog says so", workflow("", "sample", "sample"), true, true},
		"staging name, adopts":                         {"a catalog adopts the workflow of its table, no other", staging, true, false},
		"appears while our blueprint run is under way": {"made by hand: our run would have left its ID", workflow("", "", ""), false, false},
		"made by hand, adopts":                         {"there is no blueprint to update it from", workflow("", "", ""), true, false},
	}
	for name, c := range cases {
		claim := hrClaim
		claim.Adopt = c.adopt
		if ours, err := ownership(glue).OwnsWorkflow(t.Context(), claim, c.w); err != nil || ours != c.ours {
			t.Errorf("%s: ours %t, %v; want %t: %s", name, ours, err, c.ours, c.reason)
		}
	}
	glue.err = errors.New("Glue does not answer")
	if _, err := ownership(glue).OwnsWorkflow(t.Context(), hrClaim, workflow("", "landfall", "before")); err == nil {
		t.Error("a run that could not be read proves neither")
	}
}

func TestOwnershipOfAnEntity(t *testing.T) {
	tagged := func(owner, table string) map[string]string { return reconcile.OwnerTags(owner, table) }
	glue := facts{tags: map[string]map[string]string{
		"tagged": tagged(hrOwner, "hr.a"), "older table": tagged(hrOwner, "hr.old"), "no table": {plan.OwnerMark: hrOwner}, "other table": tagged(hrOwner, "hr.b"),
		"sales": tagged(salesOwner, "hr.a"), "untagged": {}, "hr_hr_a_load_1": {}, "hr_hr_a_load_2": tagged(hrOwner, "hr.b"), "tagged trigger": {plan.OwnerMark: hrOwner, plan.TableMark: "hr.b", reconcile.BlueprintTag: "landfall"}, "HR-hr-a-load-1": {}, "hr_hr_a_landfall_new_load_1": {}, "hr_hr_b_landfall_new_load_1": {},
		"ours": {reconcile.BlueprintTag: "landfall"}, "sample": {reconcile.BlueprintTag: "rdbms-to-s3"}, "stranger": {reconcile.BlueprintTag: "stranger"}, "hr_hr_a_starting_trigger": {},
	}}
	byHand := reconcile.Workflow{Workflow: plan.Workflow{Name: "hr_hr_a"}}
	finished := reconcile.Workflow{Workflow: plan.Workflow{Name: "hr_hr_a", Owner: hrOwner, Fingerprint: "f", Blueprint: "landfall"}, BlueprintRunID: "ours"}
	unfinished, adopted := finished, finished
	staging := reconcile.Workflow{Workflow: plan.Workflow{Name: plan.Staging("hr_hr_a"), Blueprint: "landfall"}, BlueprintRunID: "ours"}
	unfinished.Owner, unfinished.Fingerprint = "", ""
	adopted.Owner, adopted.Fingerprint, adopted.Blueprint = "", "", "rdbms-to-s3"
	adopted.BlueprintRunID = ""
	cases := []struct {
		reason string
		kind   string
		name   string
		w      reconcile.Workflow
		adopt  bool
		ours   bool
	}{
		{"its tags say so", plan.JobEntity, "tagged", finished, false, true},
		{"it was made when the workflow landed another table", plan.JobEntity, "older table", finished, false, true},
		{"the tag of the table is missing", plan.CrawlerEntity, "no table", finished, false, true},
		{"it is another table's of the same catalog", plan.JobEntity, "other table", finished, false, false},
		{"the job of workflow hr_hr_a_load, say, is named so too", plan.JobEntity, "hr_hr_a_load_2", finished, false, false},
		{"a trigger has one workflow, and Glue says that a blueprint made it", plan.TriggerEntity, "tagged trigger", finished, false, true},
		{"somebody has copied the tags to a trigger of their own", plan.TriggerEntity, "other table", finished, false, false},
		{"it is another catalog's", plan.JobEntity, "sales", finished, false, false},
		{"another catalog's stays that when the workflow is adopted", plan.JobEntity, "sales", adopted, true, false},
		{"only a staging workflow gives such names", plan.JobEntity, "hr_hr_a_landfall_new_load_1", finished, false, true},
		{"the staging workflow is another table's", plan.JobEntity, "hr_hr_b_landfall_new_load_1", finished, false, false},
		{"a blueprint run of the workflow's blueprint made the trigger", plan.TriggerEntity, "ours", finished, false, true},
		{"another blueprint made the trigger", plan.TriggerEntity, "stranger", finished, false, false},
		{"the adopted workflow's blueprint made the trigger", plan.TriggerEntity, "sample", adopted, true, true},
		{"Glue's library gives this name, whether or not Glue tags it", plan.TriggerEntity, "hr_hr_a_starting_trigger", finished, false, true},
		{"somebody made the workflow by hand and this trigger in it", plan.TriggerEntity, "hr_hr_a_starting_trigger", byHand, false, false},
		{"somebody added the trigger by hand", plan.TriggerEntity, "untagged", finished, false, false},
		{"added by hand before the workflow was adopted", plan.TriggerEntity, "untagged", adopted, true, false},
		{"the layout made it, and it is not tagged yet", plan.JobEntity, "hr_hr_a_load_1", unfinished, false, true},
		{"the layout has changed case and separators", plan.JobEntity, "HR-hr-a-load-1", unfinished, false, true},
		{"added by hand while the workflow was unfinished", plan.JobEntity, "untagged", unfinished, false, false},
		{"what is finished is tagged: the name proves nothing any more", plan.JobEntity, "hr_hr_a_load_1", finished, false, false},
		{"nobody owns it, and the catalog adopts", plan.JobEntity, "untagged", adopted, true, true},
		{"nobody else may use the staging workflow", plan.JobEntity, "untagged", staging, false, true},
		{"tagged as another catalog's in the staging workflow", plan.JobEntity, "sales", staging, false, false},
		{"nobody owns it", plan.JobEntity, "untagged", finished, false, false},
		{"it is gone: nothing can happen to it", plan.JobEntity, "gone", finished, false, true},
	}
	for _, c := range cases {
		claim := hrClaim
		claim.Adopt = c.adopt
		if ours, err := ownership(glue).OwnsEntity(t.Context(), claim, c.w, plan.Entity{Kind: c.kind, Name: c.name}); err != nil || ours != c.ours {
			t.Errorf("%s %q: ours %t, %v; want %t: %s", c.kind, c.name, ours, err, c.ours, c.reason)
		}
	}
	glue.err = errors.New("Glue does not answer")
	if _, err := ownership(glue).OwnsEntity(t.Context(), hrClaim, finished, plan.Entity{Kind: plan.JobEntity, Name: "tagged"}); err == nil {
		t.Error("tags that could not be read prove neither")
	}
}

func TestOwnershipOfALeftover(t *testing.T) {
	glue := facts{tags: map[string]map[string]string{
		"hr_hr_a_load_1": reconcile.OwnerTags(hrOwner, "hr.a"), "copied": reconcile.OwnerTags(hrOwner, "hr.a"), "sales": reconcile.OwnerTags(salesOwner, "hr.a"), "untagged": {},
		"ours": {reconcile.BlueprintTag: "landfall"}, "stranger": {reconcile.BlueprintTag: "stranger"},
	}}
	for _, c := range []struct {
		reason, kind, name string
		ours               bool
	}{
		{"its tags and its name say so", plan.JobEntity, "hr_hr_a_load_1", true},
		{"somebody has copied the tags to a job of their own", plan.JobEntity, "copied", false},
		{"somebody has tagged it since", plan.JobEntity, "sales", false},
		{"somebody has made it again since", plan.JobEntity, "untagged", false},
		{"only a staging workflow gives such names", plan.JobEntity, "hr_hr_a_landfall_new_load_1", true},
		{"a blueprint run of the change's blueprint made the trigger", plan.TriggerEntity, "ours", true},
		{"another blueprint made the trigger", plan.TriggerEntity, "stranger", false},
		{"somebody made the trigger", plan.TriggerEntity, "untagged", false},
		{"it is gone: nothing can happen to it", plan.TriggerEntity, "gone", true},
	} {
		if ours, err := ownership(glue).OwnsLeftover(t.Context(), hrClaim, plan.Entity{Kind: c.kind, Name: c.name}); err != nil || ours != c.ours {
			t.Errorf("%s %q: ours %t, %v; want %t: %s", c.kind, c.name, ours, err, c.ours, c.reason)
		}
	}
}
