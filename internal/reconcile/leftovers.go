package reconcile

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"

	"github.com/landfall/landfall/internal/plan"
)

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

func (l *leftoverSearch) keep(e plan.Entity, owner, table, workflow string) {
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
			l.keep(e, l.owners[workflow], l.tables[workflow], workflow)
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
	workflow, ok := l.byTable[[2]string{TagValue(owner), tags[plan.TableMark]}]
	if !ok {
		// Of a table that is no longer in the catalog: a change of its own, under a name that nothing else has.
		l.keep(e, owner, tags[plan.TableMark], e.Name)
		return nil
	}
	l.keep(e, owner, l.tables[workflow], workflow)
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
		if s.madeBy(tags[blueprintTag]) || tags[plan.OwnerMark] == TagValue(owner) {
			l.keep(plan.Entity{Kind: plan.TriggerEntity, Name: t.Name}, owner, l.tables[workflow], workflow)
		}
	}
	return nil
}
