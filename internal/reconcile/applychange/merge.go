package applychange

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/landfall/landfall/internal/plan"
	"github.com/landfall/landfall/internal/reconcile"
)

// made is a workflow with the definitions of what it is made of.
type made struct {
	reconcile.Workflow
	// definitions are those of the jobs and crawlers.
	definitions map[plan.Entity]reconcile.Definition
	triggers    map[string]reconcile.Trigger
}

func newMade(w reconcile.Workflow) made {
	return made{Workflow: w, definitions: map[plan.Entity]reconcile.Definition{}, triggers: map[string]reconcile.Trigger{}}
}

// target is what a live workflow is to be made of, by live names.
type target struct {
	// definitions are those of the jobs and crawlers.
	definitions map[plan.Entity]reconcile.Definition
	// triggers has the start trigger last.
	triggers []reconcile.Trigger
	// replaces is the live start trigger, when it is of another type; a trigger's type cannot be changed.
	replaces string
	// drop is what the live workflow has and the layout no longer makes.
	drop []plan.Entity
	// staged is the staged name of every job and crawler in the target.
	staged map[plan.Entity]string
	// rename turns text of the staging workflow into that of the live one.
	rename func(string) string
}

// start is the start trigger.
func (t target) start() reconcile.Trigger { return t.triggers[len(t.triggers)-1] }

// compareEntities puts jobs before crawlers, each in the order of their names.
func compareEntities(a, b plan.Entity) int {
	return cmp.Or(cmp.Compare(b.Kind, a.Kind), cmp.Compare(a.Name, b.Name))
}

// merge returns what the live workflow must become to be what the blueprint made
// under the staging name. A job or crawler is recognised by its name without the
// random suffix of its blueprint run, or because it is the only one, and keeps its
// live name; a new one gets a name that does not change when an attempt is
// repeated. A trigger is recognised by what it starts.
func merge(c plan.Change, live, staged made) (target, error) {
	t := target{definitions: map[plan.Entity]reconcile.Definition{}, staged: map[plan.Entity]string{}}
	pairs := []string{}
	for _, kind := range definedKinds {
		names := pair(c.Workflow, live.existing(kind), *namesOf(&staged.Workflow, kind))
		// Longer names first: one staged name may begin another.
		for _, from := range slices.SortedFunc(maps.Keys(names), func(a, b string) int { return len(b) - len(a) }) {
			pairs = append(pairs, from, names[from])
			t.staged[plan.Entity{Kind: kind, Name: names[from]}] = from
		}
	}
	replacer := strings.NewReplacer(pairs...)
	t.rename = func(s string) string { return plan.Unstage(replacer.Replace(s)) }
	for e, from := range t.staged {
		t.definitions[e] = rewrite(staged.definitions[plan.Entity{Kind: e.Kind, Name: from}], t.rename)
	}
	if err := t.mergeTriggers(c, live, staged); err != nil {
		return t, err
	}
	t.findDropped(live)
	return t, nil
}

// existing drops deleted jobs or crawlers, unless all are deleted: then they are
// recreated under the old names.
func (m made) existing(kind string) []string {
	names := *namesOf(&m.Workflow, kind)
	var exist []string
	for _, name := range names {
		if m.definitions[plan.Entity{Kind: kind, Name: name}] != nil {
			exist = append(exist, name)
		}
	}
	if len(exist) == 0 {
		return names
	}
	return exist
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
		liveName, ok := byBase[b]
		if !ok {
			sum := sha256.Sum256([]byte(workflow + "\x00" + b))
			liveName = b + "_" + hex.EncodeToString(sum[:4])
		}
		names[name] = liveName
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

func (t *target) mergeTriggers(c plan.Change, live, staged made) error {
	byTargets := map[string]string{}
	liveStart := ""
	for name, observed := range live.triggers {
		switch {
		case observed.Type == reconcile.Conditional:
			byTargets[targets(observed, asIs)] = name
		case observed.State != reconcile.TriggerDeleting:
			liveStart = name
		}
	}
	var start *reconcile.Trigger
	for _, name := range slices.Sorted(maps.Keys(staged.triggers)) {
		from := staged.triggers[name]
		to := reconcile.Trigger{Name: t.rename(name), Type: from.Type, Workflow: c.Workflow, Definition: rewrite(from.Definition, t.rename)}
		if from.Type != reconcile.Conditional {
			start = &to
			continue
		}
		if liveName, ok := byTargets[targets(from, t.rename)]; ok {
			to.Name = liveName
		}
		t.triggers = append(t.triggers, to)
	}
	if start == nil {
		return failTable("the layout makes no start trigger")
	}
	if start.Type != reconcile.OnDemand {
		return failTable("the layout makes a start trigger of type %s although JobScheduleType is OnDemand: a layout must take its schedule from JobScheduleType and ScheduleCronPattern", start.Type)
	}
	if schedule := scheduleOf(c.Parameters); schedule != "" {
		start.Type, start.Definition["Schedule"] = reconcile.Scheduled, schedule
	}
	switch {
	case liveStart != "" && live.triggers[liveStart].Type == start.Type:
		start.Name = liveStart
	default:
		start.Name, t.replaces = freeStartName(c.Workflow, live.triggers), liveStart
	}
	t.triggers = append(t.triggers, *start)
	return nil
}

// freeStartName is a name for a start trigger that none of the triggers has,
// also not one that is still being deleted.
func freeStartName(workflow string, taken map[string]reconcile.Trigger) string {
	name := workflow + reconcile.StartTriggerSuffix
	for n := 2; ; n++ {
		if _, ok := taken[name]; !ok {
			return name
		}
		name = fmt.Sprintf("%s%s_%d", workflow, reconcile.StartTriggerSuffix, n)
	}
}

// findDropped lists what is live and not in the target.
func (t *target) findDropped(live made) {
	for _, e := range slices.SortedFunc(maps.Keys(live.definitions), compareEntities) {
		if t.definitions[e] == nil {
			t.drop = append(t.drop, e)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(live.triggers)) {
		if name != t.replaces && !slices.ContainsFunc(t.triggers, func(k reconcile.Trigger) bool { return k.Name == name }) {
			t.drop = append(t.drop, trigger(name))
		}
	}
}
