package reconcile

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"regexp"
	"slices"
	"strings"

	"github.com/landfall/landfall/internal/plan"
)

// parts is a workflow with the definitions of what it is made of.
type parts struct {
	Workflow
	jobs, crawlers map[string]Definition
	triggers       map[string]Trigger
}

// target is what a live workflow is to be made of, by live names.
type target struct {
	jobs, crawlers map[string]Definition
	// triggers has the start trigger last.
	triggers []Trigger
	// replaces is the live start trigger, when it is of another type; a trigger's type cannot be changed.
	replaces string
	// drop is what the live workflow has and the layout no longer makes: jobs and crawlers before their triggers.
	drop []plan.Entity
	// staged is the staged name of every job and crawler in the target.
	staged map[string]string
	// rename turns text of the staging workflow into that of the live one.
	rename func(string) string
}

// merge says what the live workflow must become to be what the blueprint made
// under the staging name. A job or crawler is known again by its name without
// the random suffix of its blueprint run, or because it is the only one, and
// keeps its live name; a new one gets a name that does not change when an
// attempt is repeated. A trigger is known again by what it starts.
func merge(c plan.Change, live, staged parts) (target, error) {
	t := target{jobs: map[string]Definition{}, crawlers: map[string]Definition{}, staged: map[string]string{}}
	jobs := pair(c.Workflow, existing(live.Jobs, live.jobs), staged.Jobs)
	crawlers := pair(c.Workflow, existing(live.Crawlers, live.crawlers), staged.Crawlers)
	pairs := []string{}
	for _, names := range []map[string]string{jobs, crawlers} {
		// Longer names first: one staged name may begin another.
		for _, from := range slices.SortedFunc(maps.Keys(names), func(a, b string) int { return len(b) - len(a) }) {
			pairs = append(pairs, from, names[from])
			t.staged[names[from]] = from
		}
	}
	replacer := strings.NewReplacer(pairs...)
	t.rename = func(s string) string { return plan.Unstage(replacer.Replace(s)) }
	for from, name := range jobs {
		t.jobs[name] = staged.jobs[from].rewrite(t.rename)
	}
	for from, name := range crawlers {
		t.crawlers[name] = staged.crawlers[from].rewrite(t.rename)
	}
	if err := t.mergeTriggers(c, live, staged); err != nil {
		return t, err
	}
	t.findDropped(live)
	return t, nil
}

// existing leaves out the names of what is gone, unless all of it is: then it
// is made again under its name.
func existing(names []string, held map[string]Definition) []string {
	if len(held) == 0 {
		return names
	}
	return slices.Sorted(maps.Keys(held))
}

// pair maps staged names to live ones.
func pair(workflow string, live, staged []string) map[string]string {
	names := map[string]string{}
	if len(live) == 1 && len(staged) == 1 {
		names[staged[0]] = live[0]
		return names
	}
	byBase := map[string]string{}
	for _, name := range live {
		byBase[base(name)] = name
	}
	for _, name := range staged {
		b := base(plan.Unstage(name))
		held, ok := byBase[b]
		if !ok {
			sum := sha256.Sum256([]byte(workflow + "\x00" + b))
			held = b + "_" + hex.EncodeToString(sum[:4])
		}
		names[name] = held
	}
	return names
}

// base is a name without the suffix that a blueprint run gives it.
func base(name string) string {
	if i := strings.LastIndexByte(name, '_'); i > 0 {
		return name[:i]
	}
	return name
}

func (t *target) mergeTriggers(c plan.Change, live, staged parts) error {
	byTargets := map[string]string{}
	start := ""
	for name, held := range live.triggers {
		switch {
		case held.Type == conditional:
			byTargets[held.targets(nil)] = name
		case held.State != "DELETING":
			start = name
		}
	}
	var first *Trigger
	for _, name := range slices.Sorted(maps.Keys(staged.triggers)) {
		from := staged.triggers[name]
		to := Trigger{Name: t.rename(name), Type: from.Type, Workflow: c.Workflow, Definition: from.Definition.rewrite(t.rename)}
		if from.Type != conditional {
			first = &to
			continue
		}
		if held, ok := byTargets[from.targets(t.rename)]; ok {
			to.Name = held
		}
		t.triggers = append(t.triggers, to)
	}
	if first == nil {
		return failTable("the layout makes no start trigger")
	}
	if first.Type != onDemand {
		return failTable("the layout makes a start trigger of type %s although JobScheduleType is OnDemand: a layout must take its schedule from JobScheduleType and ScheduleCronPattern", first.Type)
	}
	if schedule := scheduleOf(c.Parameters); schedule != "" {
		first.Type, first.Definition["Schedule"] = scheduled, schedule
	}
	switch {
	case start != "" && live.triggers[start].Type == first.Type:
		first.Name = start
	default:
		first.Name, t.replaces = freeStartName(c.Workflow, live.triggers), start
	}
	t.triggers = append(t.triggers, *first)
	return nil
}

// freeStartName is a name for a start trigger that none of the triggers has,
// also not one that is still being deleted.
func freeStartName(workflow string, held map[string]Trigger) string {
	name := workflow + startSuffix
	for n := 2; ; n++ {
		if _, taken := held[name]; !taken {
			return name
		}
		name = fmt.Sprintf("%s%s_%d", workflow, startSuffix, n)
	}
}

// findDropped lists what is live and not in the target.
func (t *target) findDropped(live parts) {
	for _, name := range live.Jobs {
		if t.jobs[name] == nil && live.jobs[name] != nil {
			t.drop = append(t.drop, plan.Entity{Kind: plan.JobEntity, Name: name})
		}
	}
	for _, name := range live.Crawlers {
		if t.crawlers[name] == nil && live.crawlers[name] != nil {
			t.drop = append(t.drop, plan.Entity{Kind: plan.CrawlerEntity, Name: name})
		}
	}
	for _, name := range slices.Sorted(maps.Keys(live.triggers)) {
		if name != t.replaces && !slices.ContainsFunc(t.triggers, func(k Trigger) bool { return k.Name == name }) {
			t.drop = append(t.drop, plan.Entity{Kind: plan.TriggerEntity, Name: name})
		}
	}
}

// Types of triggers.
const (
	onDemand    = "ON_DEMAND"
	scheduled   = "SCHEDULED"
	conditional = "CONDITIONAL"
)

// scheduleOf is the schedule of the start trigger; empty for a workflow that is started by hand.
func scheduleOf(v plan.Values) string {
	if v.Text("JobScheduleType") != "Cron" {
		return ""
	}
	return "cron(" + strings.TrimSpace(v.Text("ScheduleCronPattern")) + ")"
}

// targets names what the trigger starts, sorted, as one text.
func (t Trigger) targets(rename func(string) string) string {
	var names []string
	actions, _ := t.Definition["Actions"].([]any)
	for _, a := range actions {
		action, _ := a.(map[string]any)
		for _, kind := range []string{"JobName", "CrawlerName"} {
			if name, ok := action[kind].(string); ok && name != "" {
				if rename != nil {
					name = rename(name)
				}
				names = append(names, kind+"="+name)
			}
		}
	}
	slices.Sort(names)
	return strings.Join(names, "\n")
}

// settled tells that the trigger is in none of the states it only passes through.
func (t Trigger) settled() bool {
	return t.State == "ACTIVATED" || t.State == "DEACTIVATED" || t.State == "CREATED"
}

// idle tells that the trigger should be active and is not.
func (t Trigger) idle() bool {
	return (t.Type == scheduled || t.Type == conditional) && (t.State == "DEACTIVATED" || t.State == "CREATED")
}

// rewrite is a copy with every string but the field names rewritten.
func (d Definition) rewrite(f func(string) string) Definition {
	out := Definition{}
	for name, value := range d {
		out[name] = rewrite(value, f)
	}
	return out
}

func rewrite(v any, f func(string) string) any {
	switch v := v.(type) {
	case string:
		return f(v)
	case []any:
		out := make([]any, len(v))
		for i := range v {
			out[i] = rewrite(v[i], f)
		}
		return out
	case map[string]any:
		return map[string]any(Definition(v).rewrite(f))
	default:
		return v
	}
}

func (d Definition) equal(other Definition) bool { return reflect.DeepEqual(d, other) }

// load reads the definitions of what two workflows are made of, in one call of each kind.
func (r *Reconciler) load(ctx context.Context, live, staged Workflow) (to, from parts, err error) {
	to, from = parts{Workflow: live, triggers: map[string]Trigger{}}, parts{Workflow: staged, triggers: map[string]Trigger{}}
	var names []string
	for _, t := range slices.Concat(live.Triggers, staged.Triggers) {
		names = append(names, t.Name)
	}
	triggers, err := r.Entities.GetTriggers(ctx, names)
	if err != nil {
		return to, from, err
	}
	for _, t := range triggers {
		if t.Workflow == staged.Name {
			from.triggers[t.Name] = t
		} else {
			to.triggers[t.Name] = t
		}
	}
	jobs, err := r.Entities.GetJobs(ctx, slices.Concat(live.Jobs, staged.Jobs))
	if err != nil {
		return to, from, err
	}
	crawlers, err := r.Entities.GetCrawlers(ctx, slices.Concat(live.Crawlers, staged.Crawlers))
	if err != nil {
		return to, from, err
	}
	to.jobs, to.crawlers = only(jobs, live.Jobs), only(crawlers, live.Crawlers)
	from.jobs, from.crawlers = only(jobs, staged.Jobs), only(crawlers, staged.Crawlers)
	return to, from, nil
}

func only(of map[string]Definition, names []string) map[string]Definition {
	found := map[string]Definition{}
	for _, name := range names {
		if d, ok := of[name]; ok {
			found[name] = d
		}
	}
	return found
}

// promote makes the live workflow what the staged one is, one idempotent step
// after the other, so that it works at every moment: first what is new, then
// what changed, the start trigger last; what is no longer made goes when no
// workflow run needs it; the fingerprint is the commit mark.
func (r *Reconciler) promote(ctx context.Context, c plan.Change, p Progress, live, staged Workflow) (Progress, error) {
	to, from, err := r.load(ctx, live, staged)
	if err != nil {
		return p, err
	}
	for _, name := range staged.Jobs {
		if from.jobs[name] == nil {
			return p, failTable("job %q of the staging workflow is gone; start the state machine again", name)
		}
	}
	t, err := merge(c, to, from)
	if err != nil {
		return p, err
	}
	if err := r.markUpdating(ctx, c, live, t); err != nil {
		return p, err
	}
	if err := r.promoteEntities(ctx, c, t, to); err != nil {
		return p, err
	}
	if settled, err := r.promoteTriggers(ctx, c, &p, t, to); err != nil || !settled {
		return p.wait("bringing the triggers in step", triggersChange), err
	}
	if len(t.drop) > 0 {
		return r.dropRest(ctx, c, p, live, t)
	}
	tags, err := r.stagedTags(ctx, c, t, staged)
	if err != nil {
		return p, err
	}
	if err := r.promoteTags(ctx, tags, keys(live.Parameters)); err != nil {
		return p, err
	}
	done := live
	done.Description, done.Properties = t.rename(staged.Description), map[string]string{}
	for name, value := range staged.Properties {
		done.Properties[name] = t.rename(value)
	}
	if err := r.finish(ctx, c, done); err != nil {
		return p, err
	}
	p.Promoted = true
	return p.wait("removing the staging workflow", now), nil
}

func (r *Reconciler) promoteEntities(ctx context.Context, c plan.Change, t target, live parts) error {
	for _, name := range slices.Sorted(maps.Keys(t.jobs)) {
		d := t.jobs[name]
		err := error(nil)
		if live.jobs[name] == nil {
			err = r.Entities.CreateJob(ctx, name, d, r.ownTags(c)) // the others come last
		}
		if live.jobs[name] != nil && !live.jobs[name].equal(d) || errors.Is(err, ErrAlreadyExists) {
			err = r.Entities.UpdateJob(ctx, name, d)
		}
		if err != nil {
			return err
		}
	}
	for _, name := range slices.Sorted(maps.Keys(t.crawlers)) {
		d := t.crawlers[name]
		err := error(nil)
		if live.crawlers[name] == nil {
			err = r.Entities.CreateCrawler(ctx, name, d, r.ownTags(c))
		}
		if live.crawlers[name] != nil && !live.crawlers[name].equal(d) || errors.Is(err, ErrAlreadyExists) {
			err = r.Entities.UpdateCrawler(ctx, name, d)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// promoteTriggers does one step towards the target's triggers, the start trigger
// last. It answers true when nothing is left to do or to wait for.
func (r *Reconciler) promoteTriggers(ctx context.Context, c plan.Change, p *Progress, t target, live parts) (bool, error) {
	settled := true
	for i, want := range t.triggers {
		held, exists := live.triggers[want.Name]
		var err error
		switch isStart := i == len(t.triggers)-1; {
		case isStart && !settled && t.hasStart(live):
			return false, nil // what it starts is not ready
		case exists && !held.settled():
		case !exists && isStart:
			err = r.replaceStart(ctx, c, t, live, want)
		case !exists:
			err = r.createTrigger(ctx, c, want)
		case !held.Definition.equal(want.Definition):
			err = r.updateTrigger(ctx, p, t, live, held, want)
		case held.idle():
			err = r.Entities.StartTrigger(ctx, want.Name)
		default:
			continue
		}
		if err != nil {
			return false, err
		}
		settled = false
	}
	return settled, nil
}

// hasStart tells whether the live workflow has a start trigger that stays.
func (t target) hasStart(live parts) bool {
	return slices.ContainsFunc(slices.Collect(maps.Values(live.triggers)), func(h Trigger) bool { return h.Type != conditional && h.State != "DELETING" })
}

// replaceStart makes a start trigger of another type in the place of the live
// one. A workflow has one start trigger at a time, but one that is being deleted,
// which takes minutes, need not be waited for: the new one has another name.
// Between the two calls the staging workflow, which is the same, can be started.
func (r *Reconciler) replaceStart(ctx context.Context, c plan.Change, t target, live parts, want Trigger) error {
	deleting := false
	for _, held := range live.triggers {
		deleting = deleting || held.Type != conditional && held.State == "DELETING"
	}
	if t.replaces != "" {
		if !live.triggers[t.replaces].settled() {
			return nil
		}
		if err := r.Entities.DeleteTrigger(ctx, t.replaces); err != nil {
			return err
		}
		deleting = true
	}
	err := r.createTrigger(ctx, c, want)
	if deleting && errors.Is(err, ErrRefused) {
		return nil // Glue wants the old one gone first
	}
	return err
}

func (r *Reconciler) createTrigger(ctx context.Context, c plan.Change, want Trigger) error {
	err := r.Entities.CreateTrigger(ctx, want, r.ownTags(c))
	if errors.Is(err, ErrAlreadyExists) {
		// Visible at the next turn, or left by a workflow that is gone.
		return r.reclaim(ctx, c, want.Name)
	}
	return err
}

// restoreStart gives the live workflow a start trigger when an update was cut off
// while it was replaced: the staging workflow tells what it starts. It answers
// true when there is nothing to restore, or nothing to restore it from.
func (r *Reconciler) restoreStart(ctx context.Context, c plan.Change, live, staged Workflow) (bool, error) {
	if live.Fingerprint != plan.Updating || hasStart(live) || !hasStart(staged) {
		return true, nil
	}
	to, from, err := r.load(ctx, live, staged)
	if err != nil {
		return false, err
	}
	t, err := merge(c, to, from)
	if err != nil {
		return true, nil //nolint:nilerr // the staging workflow is of no use
	}
	return false, r.replaceStart(ctx, c, t, to, t.triggers[len(t.triggers)-1])
}

func hasStart(w Workflow) bool {
	return slices.ContainsFunc(w.Triggers, func(t Trigger) bool { return t.Type != conditional && t.State != "DELETING" })
}

// maxBusy is how often an update of an active trigger may find Glue busy before
// that is taken as Glue's way of refusing it (glue.md §2.3).
const maxBusy = 3

// updateTrigger updates in place. Where Glue refuses that for an active
// trigger, it is stopped; the next turns update and start it.
func (r *Reconciler) updateTrigger(ctx context.Context, p *Progress, t target, live parts, held, want Trigger) error {
	refused := r.Entities.UpdateTrigger(ctx, want.Name, want.Definition)
	if errors.Is(refused, ErrBusy) && held.State == "ACTIVATED" {
		if p.Busy++; p.Busy < maxBusy {
			return nil
		}
	} else if !errors.Is(refused, ErrRefused) {
		return refused
	}
	if held.State != "ACTIVATED" {
		if held.idle() {
			// It was stopped for this update: back to work before giving up.
			if err := r.Entities.StartTrigger(ctx, want.Name); err != nil {
				return err
			}
		}
		return refused
	}
	if r.needed(t, live, held) {
		return nil
	}
	return r.Entities.StopTrigger(ctx, want.Name)
}

// needed tells whether the trigger must not be stopped now: the workflow is
// about to be started, as it is or as it will be, or runs and may come to it.
func (r *Reconciler) needed(t target, live parts, held Trigger) bool {
	if held.Type == conditional && live.RunID != "" {
		return true
	}
	starts := []Trigger{t.triggers[len(t.triggers)-1]}
	for _, h := range live.triggers {
		if h.Type == scheduled {
			starts = append(starts, h)
		}
	}
	return r.due(starts...)
}

// reclaim fails the change when a trigger whose name it needs is another's. One
// of this workflow's is seen at the next turn.
func (r *Reconciler) reclaim(ctx context.Context, c plan.Change, name string) error {
	triggers, err := r.Entities.GetTriggers(ctx, []string{name})
	if err != nil || len(triggers) == 0 {
		return err
	}
	if triggers[0].Workflow != c.Workflow {
		return failTable("a trigger %q exists that is not of workflow %q; rename or delete it", name, c.Workflow)
	}
	return nil
}

// markUpdating says on the workflow, before it is changed, that it is being
// changed and which jobs and crawlers it will have meanwhile: its graph names
// them only once a trigger starts them.
func (r *Reconciler) markUpdating(ctx context.Context, c plan.Change, live Workflow, t target) error {
	marked := live.Fingerprint == plan.Updating
	for _, both := range []struct {
		held *[]string
		want []string
	}{
		{&live.Jobs, slices.Sorted(maps.Keys(t.jobs))}, {&live.Crawlers, slices.Sorted(maps.Keys(t.crawlers))},
	} {
		for _, name := range both.want {
			if !slices.Contains(*both.held, name) {
				*both.held, marked = append(slices.Clone(*both.held), name), false
			}
		}
	}
	if marked {
		return nil
	}
	live.Owner, live.Table, live.Fingerprint = c.Owner, c.Table, plan.Updating
	return r.Workflows.FinishWorkflow(ctx, live)
}

// dropRest removes what the layout no longer makes: triggers first, so that
// nothing is started that is gone. Cut off in between, the owner's tag, which
// jobs and crawlers get here if they lack it, tells the next plan what is left.
func (r *Reconciler) dropRest(ctx context.Context, c plan.Change, p Progress, live Workflow, t target) (Progress, error) {
	if live.RunID != "" {
		return p.wait("waiting for the running workflow to end, to remove what is no longer made", workflowRun), nil
	}
	for _, e := range t.drop {
		if e.Kind == plan.TriggerEntity {
			continue
		}
		if err := r.Entities.SetTags(ctx, e.Kind, e.Name, r.ownTags(c), nil); err != nil && !errors.Is(err, ErrNotFound) {
			return p, err
		}
	}
	for _, kind := range []string{plan.TriggerEntity, plan.JobEntity, plan.CrawlerEntity} {
		for _, e := range t.drop {
			if e.Kind != kind {
				continue
			}
			if err := r.deleteEntity(ctx, e); err != nil {
				return p, err
			}
		}
	}
	return p.wait("removing what is no longer made", triggersGo), nil
}

// stagedTags are the tags that the layout gives each job and crawler, and the
// workflow, by live name, with those that say whose they are.
func (r *Reconciler) stagedTags(ctx context.Context, c plan.Change, t target, staged Workflow) (map[plan.Entity]map[string]string, error) {
	all := map[plan.Entity]map[string]string{}
	read := func(kind, from, name string) error {
		tags, err := r.Entities.Tags(ctx, kind, from)
		if err != nil {
			return err
		}
		want := r.ownTags(c)
		for k, v := range tags {
			want[k] = t.rename(v)
		}
		all[plan.Entity{Kind: kind, Name: name}] = want
		return nil
	}
	for name := range t.jobs {
		if err := read(plan.JobEntity, t.staged[name], name); err != nil {
			return nil, err
		}
	}
	for name := range t.crawlers {
		if err := read(plan.CrawlerEntity, t.staged[name], name); err != nil {
			return nil, err
		}
	}
	return all, read(WorkflowEntity, staged.Name, c.Workflow)
}

// promoteTags sets the tags, and removes those that the catalog gave before and
// gives no longer. Tags from elsewhere stay.
func (r *Reconciler) promoteTags(ctx context.Context, want map[plan.Entity]map[string]string, before []string) error {
	for e, tags := range want {
		held, err := r.Entities.Tags(ctx, e.Kind, e.Name)
		if err != nil {
			return err
		}
		set, remove := map[string]string{}, []string{}
		for k, v := range tags {
			if old, ok := held[k]; !ok || old != v {
				set[k] = v
			}
		}
		for _, k := range before {
			_, isHeld := held[k]
			if _, wanted := tags[k]; isHeld && !wanted {
				remove = append(remove, k)
			}
		}
		if len(set)+len(remove) == 0 {
			continue
		}
		if err := r.Entities.SetTags(ctx, e.Kind, e.Name, set, remove); err != nil {
			return err
		}
	}
	return nil
}

// keys are the names of the tags in a workflow's kept parameters.
func keys(parameters string) []string {
	var values plan.Values
	var tags map[string]string
	if json.Unmarshal([]byte(parameters), &values) != nil || json.Unmarshal([]byte(values.Text("Tags")), &tags) != nil {
		return nil
	}
	return slices.Sorted(maps.Keys(tags))
}

// Tags by which an entity's owner and table are known.
const (
	ownerTag = "landfall:owner"
	tableTag = "landfall:table"
)

// ownTags are those that the shipped layout gives too.
func (r *Reconciler) ownTags(c plan.Change) map[string]string {
	return map[string]string{ownerTag: TagValue(c.Owner), tableTag: TagValue(c.Table)}
}

// finish writes the commit mark.
func (r *Reconciler) finish(ctx context.Context, c plan.Change, w Workflow) error {
	w.Owner, w.Table, w.Fingerprint, w.Parameters = c.Owner, c.Table, c.Fingerprint, ""
	if parameters := c.Parameters.JSON(); len(parameters) <= maxKeptParameters {
		w.Parameters = parameters
	}
	return r.Workflows.FinishWorkflow(ctx, w)
}

// maxKeptParameters bounds what is kept on the workflow to show what an update
// changes. Glue documents no limit for a run property.
const maxKeptParameters = 8 << 10

// TagValue is text as AWS takes it in a tag's value.
func TagValue(s string) string {
	out := []rune(tagUnsafe.ReplaceAllLiteralString(s, "_"))
	return string(out[:min(len(out), 256)])
}

// tagUnsafe is what AWS does not take in a tag's value; layout.py has the same rule.
var tagUnsafe = regexp.MustCompile(`[^\p{L}\p{N}_\s.:/=+\-@]`)
