package reconcile

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/landfall/landfall/internal/plan"
)

// holdings is what Glue holds, as far as a plan needs it.
type holdings struct {
	observed  []plan.Workflow
	leftovers []plan.Leftovers
	// workflows, triggers and jobs are how many there are in the account.
	workflows, triggers, jobs int
	// used are the entities that some workflow's graph names.
	used map[plan.Entity]bool
	// jobsOf are the jobs that the graph of a finished workflow names.
	jobsOf map[string][]string
}

// surveyChunk is how many workflows are kept whole at the same time.
const surveyChunk = 500

// survey reads every workflow, and the names of all jobs, triggers and crawlers, in bulk.
func (r *Reconciler) survey(ctx context.Context, s PlanSettings, desired []plan.Desired, policy plan.Policy) (holdings, error) {
	h := holdings{used: map[plan.Entity]bool{}, jobsOf: map[string][]string{}}
	names, err := r.Workflows.ListWorkflows(ctx)
	if err != nil {
		return h, err
	}
	for _, w := range desired {
		// A listing is not promised to be complete at once after a create; the batch read is by name.
		names = append(names, w.Workflow)
	}
	slices.Sort(names)
	for chunk := range slices.Chunk(slices.Compact(names), surveyChunk) {
		workflows, err := r.Workflows.BatchGetWorkflows(ctx, chunk)
		if err != nil {
			return h, err
		}
		for _, w := range workflows {
			if err := h.add(ctx, r, s, w); err != nil {
				return h, err
			}
		}
	}
	h.workflows = len(h.observed)
	return h, r.surveyEntities(ctx, s, desired, policy, &h)
}

// add keeps what a plan needs of a workflow.
func (h *holdings) add(ctx context.Context, r *Reconciler, s PlanSettings, w Workflow) error {
	for _, name := range w.Jobs {
		h.used[plan.Entity{Kind: plan.JobEntity, Name: name}] = true
	}
	for _, name := range w.Crawlers {
		h.used[plan.Entity{Kind: plan.CrawlerEntity, Name: name}] = true
	}
	for _, t := range w.Triggers {
		h.used[plan.Entity{Kind: plan.TriggerEntity, Name: t.Name}] = true
	}
	if w.Owner == "" && w.Fingerprint == "" && s.madeBy(w.Blueprint) {
		// A user's layout keeps no owner; the blueprint run that made the workflow tells.
		owner, err := r.runOwner(ctx, w)
		if err != nil {
			return err
		}
		w.Owner = owner
	}
	if w.Owner != "" && w.Fingerprint != "" {
		w.Broken = broken(w)
		h.jobsOf[w.Name] = w.Jobs
	}
	h.observed = append(h.observed, w.Workflow)
	return nil
}

// madeBy tells a blueprint of this stack by its name: the shipped one, or a user's.
func (s PlanSettings) madeBy(blueprint string) bool {
	return blueprint == s.Blueprint.Name || strings.HasPrefix(blueprint, s.Blueprint.Name+"-")
}

// broken says what keeps a finished workflow from working, as its graph shows it.
func broken(w Workflow) string {
	start := false
	for _, t := range w.Triggers {
		switch t.State {
		case "DELETING":
			continue
		case "DEACTIVATED", "DEACTIVATING", "CREATED":
			if t.Type == scheduled || t.Type == conditional {
				return fmt.Sprintf("trigger %q is not active", t.Name)
			}
		}
		start = start || t.Type != conditional
	}
	if !start {
		return "its start trigger is gone"
	}
	return ""
}

// surveyEntities finds jobs that are gone and entities that no workflow holds.
func (r *Reconciler) surveyEntities(ctx context.Context, s PlanSettings, desired []plan.Desired, policy plan.Policy, h *holdings) error {
	jobs, err := r.Entities.List(ctx, plan.JobEntity, nil)
	if err != nil {
		return err
	}
	triggers, err := r.Entities.List(ctx, plan.TriggerEntity, nil)
	if err != nil {
		return err
	}
	h.jobs, h.triggers = len(jobs), len(triggers)
	if err := r.missingJobs(ctx, jobs, policy, h); err != nil {
		return err
	}
	l := newLeftoverSearch(desired, policy, h)
	for owner := range policy.Catalogs {
		for _, kind := range []string{plan.JobEntity, plan.CrawlerEntity} {
			tagged, err := r.Entities.List(ctx, kind, map[string]string{ownerTag: TagValue(owner)})
			if err != nil {
				return err
			}
			for _, name := range tagged {
				if err := r.suspect(ctx, l, plan.Entity{Kind: kind, Name: name}, owner); err != nil {
					return err
				}
			}
		}
	}
	for _, name := range jobs {
		if plan.Unstage(name) == name {
			continue
		}
		if err := r.suspect(ctx, l, plan.Entity{Kind: plan.JobEntity, Name: name}, ""); err != nil {
			return err
		}
	}
	if err := r.suspectTriggers(ctx, s, l, triggers); err != nil {
		return err
	}
	h.leftovers = l.list()
	return nil
}

// missingJobs marks the workflows of which a job is gone. What a listing lacks is asked for by name.
func (r *Reconciler) missingJobs(ctx context.Context, listed []string, policy plan.Policy, h *holdings) error {
	exists := make(map[string]bool, len(listed))
	for _, name := range listed {
		exists[name] = true
	}
	var missing []string
	for i := range h.observed {
		w := &h.observed[i]
		if _, covered := policy.Catalogs[w.Owner]; !covered {
			continue
		}
		for _, name := range h.jobsOf[w.Name] {
			if !exists[name] {
				missing = append(missing, name)
			}
		}
	}
	if len(missing) == 0 {
		return nil
	}
	found, err := r.Entities.GetJobs(ctx, missing)
	if err != nil {
		return err
	}
	for i := range h.observed {
		w := &h.observed[i]
		for _, name := range h.jobsOf[w.Name] {
			if w.Broken == "" && slices.Contains(missing, name) && found[name] == nil {
				w.Broken = fmt.Sprintf("job %q is gone", name)
			}
		}
	}
	return nil
}

// leftoverSearch gathers entities that no workflow holds, by the workflow that they were made for.
type leftoverSearch struct {
	held *holdings
	// owners and tables are those of every workflow that is wanted or held by a
	// covered catalog; byTable finds the workflow of an owner's table.
	owners, tables map[string]string
	byTable        map[[2]string]string
	found          map[string]*plan.Leftovers
}

func newLeftoverSearch(desired []plan.Desired, policy plan.Policy, h *holdings) *leftoverSearch {
	l := &leftoverSearch{held: h, owners: map[string]string{}, tables: map[string]string{}, byTable: map[[2]string]string{}, found: map[string]*plan.Leftovers{}}
	add := func(owner, table, workflow string) {
		workflow = plan.Unstage(workflow)
		l.owners[workflow], l.tables[workflow] = owner, table
		l.byTable[[2]string{TagValue(owner), TagValue(table)}] = workflow
	}
	for _, d := range desired {
		add(d.Owner, d.Table, d.Workflow)
	}
	for _, w := range h.observed {
		if _, covered := policy.Catalogs[w.Owner]; covered {
			add(w.Owner, w.Table, w.Name)
		} else if w.Owner != "" || !plan.IsStaging(w.Name) {
			delete(l.owners, w.Name) // another's
		}
	}
	return l
}

// workflowOf is the workflow of a covered catalog that begins the entity's name; empty when there is none.
func (l *leftoverSearch) workflowOf(name string) string {
	name = plan.Unstage(name)
	for i := len(name); i > 0; i = strings.LastIndexByte(name[:i], '_') {
		if _, ok := l.owners[name[:i]]; ok {
			return name[:i]
		}
	}
	return ""
}

func (l *leftoverSearch) add(e plan.Entity, owner, table, workflow string) {
	if l.found[workflow] == nil {
		l.found[workflow] = &plan.Leftovers{Owner: owner, Table: table, Workflow: workflow}
	}
	if !slices.Contains(l.found[workflow].Entities, e) {
		l.found[workflow].Entities = append(l.found[workflow].Entities, e)
	}
}

func (l *leftoverSearch) list() []plan.Leftovers {
	var all []plan.Leftovers
	for _, workflow := range slices.Sorted(maps.Keys(l.found)) {
		all = append(all, *l.found[workflow])
	}
	return all
}

// suspect keeps a job or crawler that no workflow holds, and that the owner's
// tag, or the name of a staging workflow of the owner, says is ours.
func (r *Reconciler) suspect(ctx context.Context, l *leftoverSearch, e plan.Entity, owner string) error {
	if l.held.used[e] {
		return nil
	}
	if owner == "" {
		if workflow := l.workflowOf(e.Name); workflow != "" {
			l.add(e, l.owners[workflow], l.tables[workflow], workflow)
		}
		return nil
	}
	tags, err := r.Entities.Tags(ctx, e.Kind, e.Name)
	if errors.Is(err, ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	workflow, ok := l.byTable[[2]string{TagValue(owner), tags[tableTag]}]
	if !ok {
		// Of a table that is no longer in the catalog: a change of its own, under a name that nothing else has.
		l.add(e, owner, tags[tableTag], e.Name)
		return nil
	}
	l.add(e, owner, l.tables[workflow], workflow)
	return nil
}

// suspectTriggers keeps triggers whose name begins with a workflow of a covered
// catalog, that no workflow holds, and that one of its blueprints or an update made.
func (r *Reconciler) suspectTriggers(ctx context.Context, s PlanSettings, l *leftoverSearch, listed []string) error {
	var names []string
	for _, name := range listed {
		if !l.held.used[plan.Entity{Kind: plan.TriggerEntity, Name: name}] && l.workflowOf(name) != "" {
			names = append(names, name)
		}
	}
	triggers, err := r.Entities.GetTriggers(ctx, names)
	if err != nil {
		return err
	}
	for _, t := range triggers {
		workflow := plan.Unstage(t.Workflow)
		owner, ours := l.owners[workflow]
		if !ours || t.State == "DELETING" {
			continue
		}
		tags, err := r.Entities.Tags(ctx, plan.TriggerEntity, t.Name)
		if err != nil && !errors.Is(err, ErrNotFound) {
			return err
		}
		if s.madeBy(tags[blueprintTag]) || tags[ownerTag] == TagValue(owner) {
			l.add(plan.Entity{Kind: plan.TriggerEntity, Name: t.Name}, owner, l.tables[workflow], workflow)
		}
	}
	return nil
}
