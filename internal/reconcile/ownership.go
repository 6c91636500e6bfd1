package reconcile

import (
	"context"
	"encoding/json"
	"errors"
	"regexp"
	"slices"
	"strings"

	"github.com/landfall/landfall/internal/plan"
)

// Ownership is the one answer to "is this ours?". Nothing is updated, started,
// stopped or deleted that it does not confirm.
//
// A workflow, for a catalog whose Owner is O:
//
//	owner property | made by                                | catalog adopts | ours
//	O              | –                                      | –              | yes
//	another        | –                                      | –              | no
//	none           | the blueprint run of this execution    | –              | yes
//	none           | a blueprint run whose parameter is O   | –              | yes
//	none           | another blueprint run                  | yes            | yes, under the table's own name
//	none           | another blueprint run                  | no             | no
//	none           | a person                               | –              | no, also when it appears while our blueprint run is under way
//
// A job, crawler or trigger is judged by itself, not by its workflow, to which
// anybody can add. For a change of table T under the workflow name W:
//
//	owner tag | evidence                                                                      | ours
//	O         | the table tag is T, or the table that W was made for, or missing              | yes
//	O         | another table tag, a trigger that a blueprint run made, or W's start trigger  | yes: it has one workflow, which is ours
//	O         | another table tag, a job or crawler                                           | no: another table's, whatever its name begins with
//	another   | –                                                                             | no
//	–         | the name begins with that of W's staging workflow, which nobody else may use  | yes
//	none      | a trigger that a blueprint run of W's blueprint or of the change's made       | yes
//	none      | the start trigger of a W that a blueprint made, by its fixed name             | yes
//	none      | in the graph of W's staging workflow, which nobody else may use               | yes
//	none      | in an unfinished W that this execution's run of a custom blueprint made       | yes
//	none      | a job or crawler of an unfinished W that our blueprint run made, named after W | yes
//	none      | a job or crawler of a W that nobody owns and that the catalog adopts          | yes, to be updated in place; never to be deleted
//	none      | none of these                                                                 | no
//	gone      | –                                                                             | yes: nothing can happen to it
//
// A leftover, which no workflow names, is ours by its owner and table tags and its
// name: a copy of our tags on a job of another name proves nothing.
//
// Landfall's layout tags what it makes. What another layout made is tagged once
// its workflow is finished, adopted or updated, so that the weaker evidence is
// needed only until then.
type Ownership struct {
	Runs BlueprintRuns
	Tags Tags
}

// Claim is whose a change is, and what it is about.
type Claim struct {
	// Owner is the catalog; see plan.Owner.
	Owner string
	// Tables are the change's table, and the one that the workflow was made for.
	Tables []string
	// Workflow is the name of the live workflow.
	Workflow string
	// Blueprint is the name of the change's blueprint; empty when it has none.
	Blueprint string
	// RunID is the blueprint run that this execution started; empty when it has none.
	RunID string
	// Custom reports that the blueprint is a user's. Landfall's own tags all that it makes.
	Custom bool
	// Adopt reports that the catalog takes over what a blueprint made and nobody owns.
	Adopt bool
}

// OwnsWorkflow reports whether the workflow is ours.
func (o Ownership) OwnsWorkflow(ctx context.Context, c Claim, w Workflow) (bool, error) {
	switch {
	case w.Owner != "":
		return w.Owner == c.Owner, nil
	case c.RunID != "" && w.BlueprintRunID == c.RunID:
		return true, nil
	case c.adopts(w):
		return true, nil
	}
	owner, err := o.RunOwner(ctx, w)
	return owner != "" && owner == c.Owner, err
}

func (c Claim) adopts(w Workflow) bool {
	return c.Adopt && w.Name == c.Workflow && w.Owner == "" && w.Blueprint != ""
}

// RunOwner returns the parameter Owner of the blueprint run that made the
// workflow; empty when none did, or when Glue no longer knows the run.
func (o Ownership) RunOwner(ctx context.Context, w Workflow) (string, error) {
	if w.Blueprint == "" || w.BlueprintRunID == "" {
		return "", nil
	}
	run, err := o.Runs.GetBlueprintRun(ctx, w.Blueprint, w.BlueprintRunID)
	if errors.Is(err, ErrNotFound) || errors.Is(err, ErrRefused) {
		// A run that is no longer known, or a blueprint that this role must not read, proves nothing.
		return "", nil
	}
	if err != nil {
		return "", err
	}
	return run.Owner(), nil
}

// Owner is the Owner that the blueprint run was given.
func (b BlueprintRun) Owner() string {
	var parameters struct{ Owner string }
	_ = json.Unmarshal([]byte(b.Parameters), &parameters) // another blueprint's parameters name no owner
	return parameters.Owner
}

// OwnsEntity reports whether a job, crawler or trigger that the graph of the
// workflow names is ours. The workflow is one that OwnsWorkflow has confirmed.
func (o Ownership) OwnsEntity(ctx context.Context, c Claim, w Workflow, e plan.Entity) (bool, error) {
	if plan.IsStaged(e.Name, c.Workflow) {
		return true, nil
	}
	tags, err := o.Tags.Tags(ctx, e.Kind, e.Name)
	if errors.Is(err, ErrNotFound) {
		return true, nil
	}
	if err != nil {
		return false, err
	}
	if tags[plan.OwnerMark] != "" {
		made := tags[BlueprintTag] != "" || strings.HasPrefix(e.Name, w.Name+StartTriggerSuffix)
		isTrigger := e.Kind == plan.TriggerEntity && made && tags[plan.OwnerMark] == TagValue(c.Owner)
		return isTrigger || c.ownsByTags(tags), nil
	}
	if w.Name == plan.Staging(c.Workflow) {
		return true, nil
	}
	if e.Kind == plan.TriggerEntity {
		// That Glue tags what a blueprint run made is known from the field only.
		byRun := tags[BlueprintTag] != "" && slices.Contains([]string{w.Blueprint, c.Blueprint}, tags[BlueprintTag])
		return byRun || tags[BlueprintTag] == "" && w.Blueprint != "" && e.Name == w.Name+StartTriggerSuffix, nil
	}
	unfinished := w.Fingerprint == "" && w.BlueprintRunID != ""
	byThisRun := unfinished && c.Custom && c.RunID == w.BlueprintRunID
	return byThisRun || c.adopts(w) || unfinished && plan.IsNamedAfter(e.Name, w.Name), nil
}

// OwnsLeftover reports whether an entity that no workflow names is ours, as far as
// it shows by itself. A trigger that a blueprint run made belongs to the workflow
// that it names, which the caller has read.
func (o Ownership) OwnsLeftover(ctx context.Context, c Claim, e plan.Entity) (bool, error) {
	if plan.IsStaged(e.Name, c.Workflow) {
		return true, nil
	}
	tags, err := o.Tags.Tags(ctx, e.Kind, e.Name)
	if errors.Is(err, ErrNotFound) {
		return true, nil
	}
	if err != nil {
		return false, err
	}
	if e.Kind == plan.TriggerEntity {
		return OwnsLeftoverTrigger(c.Owner, tags, func(blueprint string) bool { return c.Blueprint == "" || blueprint == c.Blueprint }), nil
	}
	return c.ownsByTags(tags) && plan.IsNamedAfter(e.Name, c.Workflow), nil
}

// OwnsLeftoverTrigger reports whether a trigger with the tags is the owner's, whose
// workflow it names: the owner's tag says so or, where nobody has tagged it, the
// tag of a blueprint for which made reports true.
func OwnsLeftoverTrigger(owner string, tags map[string]string, made func(blueprint string) bool) bool {
	if tags[plan.OwnerMark] != "" {
		return tags[plan.OwnerMark] == TagValue(owner)
	}
	return tags[BlueprintTag] != "" && made(tags[BlueprintTag])
}

func (c Claim) ownsByTags(tags map[string]string) bool {
	if tags[plan.OwnerMark] != TagValue(c.Owner) {
		return false
	}
	table := tags[plan.TableMark]
	return table == "" || slices.ContainsFunc(c.Tables, func(t string) bool { return TagValue(t) == table })
}

// StartTriggerSuffix ends the name that Glue's library gives a start trigger, and
// BlueprintTag is the tag that Glue puts on the triggers of a blueprint run.
const (
	StartTriggerSuffix = "_starting_trigger"
	BlueprintTag       = "BlueprintName"
)

// OwnerTags are the tags that say whose an entity is, and for which table.
func OwnerTags(owner, table string) map[string]string {
	return map[string]string{plan.OwnerMark: TagValue(owner), plan.TableMark: TagValue(table)}
}

// TagValue is text as AWS takes it in a tag's value.
func TagValue(s string) string {
	out := []rune(unsafeInTags.ReplaceAllLiteralString(s, "_"))
	return string(out[:min(len(out), 256)])
}

// unsafeInTags is what AWS does not take in a tag's value. Like the \w and \s of
// layout.py, it keeps the letters, digits and spaces of every script.
var unsafeInTags = regexp.MustCompile(`[^\p{L}\p{N}\p{Z}_\s.:/=+\-@]`)
