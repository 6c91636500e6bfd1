package reconcile

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
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
