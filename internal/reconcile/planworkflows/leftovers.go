package planworkflows

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"

	"github.com/landfall/landfall/internal/plan"
	"github.com/landfall/landfall/internal/reconcile"
)

// leftoverSearch gathers entities that no workflow uses, by the workflow that they were made for.
type leftoverSearch struct {
	used map[plan.Entity]bool
	// owners and tables are those of every workflow that is desired or owned by a
	// covered catalog; byTable finds the workflow of an owner's table.
	owners, tables map[string]string
	byTable        map[[2]string]string
	found          map[string]*plan.Leftovers
}

func newLeftoverSearch(desired []plan.Desired, policy plan.Policy, v *inventory) *leftoverSearch {
	l := &leftoverSearch{used: v.used, owners: map[string]string{}, tables: map[string]string{}, byTable: map[[2]string]string{}, found: map[string]*plan.Leftovers{}}
	cover := func(owner, table, workflow string) {
		workflow = plan.Unstage(workflow)
		l.owners[workflow], l.tables[workflow] = owner, table
		l.byTable[[2]string{reconcile.TagValue(owner), reconcile.TagValue(table)}] = workflow
	}
	for _, d := range desired {
		cover(d.Owner, d.Table, d.Workflow)
	}
	for _, w := range v.workflows {
		if _, covered := policy.Catalogs[w.Owner]; covered {
			cover(w.Owner, w.Table, w.Name)
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

// addTagged adds an entity that carries the owner's tag, under the workflow of its
// table. Tags can be copied: an entity of another name, or of a table that no
// workflow has, may be somebody's experiment, and stays.
func (l *leftoverSearch) addTagged(e plan.Entity, owner string, tags map[string]string) {
	workflow, ok := l.byTable[[2]string{reconcile.TagValue(owner), tags[plan.TableMark]}]
	if ok && plan.IsNamedAfter(e.Name, workflow) {
		l.add(e, owner, l.tables[workflow], workflow)
	}
}

func (l *leftoverSearch) list() []plan.Leftovers {
	var all []plan.Leftovers
	for _, workflow := range slices.Sorted(maps.Keys(l.found)) {
		all = append(all, *l.found[workflow])
	}
	return all
}

// findLeftovers finds what no workflow uses and what ownership says is ours: jobs
// and crawlers with the owner's tag, jobs of a staging workflow, and triggers.
func (t *Task) findLeftovers(ctx context.Context, desired []plan.Desired, policy plan.Policy, v *inventory, jobs, triggers []string) ([]plan.Leftovers, error) {
	l := newLeftoverSearch(desired, policy, v)
	for _, owner := range slices.Sorted(maps.Keys(policy.Catalogs)) {
		for _, kind := range []string{plan.JobEntity, plan.CrawlerEntity} {
			tagged, err := t.Entities.ListEntities(ctx, kind, map[string]string{plan.OwnerMark: reconcile.TagValue(owner)})
			if err != nil {
				return nil, err
			}
			if err := t.collectTagged(ctx, l, kind, tagged, owner); err != nil {
				return nil, err
			}
		}
	}
	for _, name := range jobs {
		e := plan.Entity{Kind: plan.JobEntity, Name: name}
		if workflow := l.workflowOf(name); workflow != "" && plan.IsStaged(name, workflow) && !l.used[e] {
			l.add(e, l.owners[workflow], l.tables[workflow], workflow)
		}
	}
	if err := t.collectTriggers(ctx, l, triggers); err != nil {
		return nil, err
	}
	return l.list(), nil
}

func (t *Task) collectTagged(ctx context.Context, l *leftoverSearch, kind string, names []string, owner string) error {
	for _, name := range names {
		e := plan.Entity{Kind: kind, Name: name}
		if l.used[e] {
			continue
		}
		tags, err := t.Entities.Tags(ctx, kind, name)
		if errors.Is(err, reconcile.ErrNotFound) {
			continue
		}
		if err != nil {
			return err
		}
		l.addTagged(e, owner, tags)
	}
	return nil
}

// collectTriggers adds the triggers whose name begins with a workflow of a covered
// catalog, that no workflow uses, and that one of its blueprints or an update made.
func (t *Task) collectTriggers(ctx context.Context, l *leftoverSearch, listed []string) error {
	var names []string
	for _, name := range listed {
		if !l.used[plan.Entity{Kind: plan.TriggerEntity, Name: name}] && l.workflowOf(name) != "" {
			names = append(names, name)
		}
	}
	triggers, err := t.Entities.GetTriggers(ctx, names)
	if err != nil {
		return err
	}
	for _, trigger := range triggers {
		workflow := plan.Unstage(trigger.Workflow)
		owner, covered := l.owners[workflow]
		if !covered || trigger.State == reconcile.TriggerDeleting {
			continue
		}
		e := plan.Entity{Kind: plan.TriggerEntity, Name: trigger.Name}
		tags, err := t.Entities.Tags(ctx, e.Kind, e.Name)
		if err != nil && !errors.Is(err, reconcile.ErrNotFound) {
			return err
		}
		if reconcile.OwnsLeftoverTrigger(owner, tags, t.isOurBlueprint) {
			l.add(e, owner, l.tables[workflow], workflow)
		}
	}
	return nil
}
