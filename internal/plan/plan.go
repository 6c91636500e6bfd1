// Package plan compares the tables of catalogs with the workflows that exist
// in Glue. It is pure: no AWS, no clock, no randomness.
package plan

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// New makes the plan. For each workflow name:
//
//	in catalog | workflow exists | owned by this catalog | fingerprint          | action
//	yes        | no              | –                     | –                    | create
//	yes        | yes             | yes                   | same                 | none
//	yes        | yes             | yes                   | differs / unfinished | update
//	yes        | yes             | no                    | –                    | conflict, or update if nobody owns it and the catalog adopts
//	no         | yes             | yes                   | –                    | delete if the catalog prunes and its limit allows, else orphan or conflict
//	no         | yes             | no                    | –                    | invisible
//
// A workflow name or a table that two catalogs claim is a conflict in both. A
// staging workflow and leftover entities belong to the change of their table,
// or are cleaned when it has none.
func New(desired []Desired, observed []Workflow, leftovers []Leftovers, policy Policy) Plan {
	p := planner{
		policy: policy, observed: make(map[string]Workflow, len(observed)), names: map[string][]string{}, places: map[string][]string{},
		leftovers: map[string]Leftovers{},
	}
	for _, w := range observed {
		p.observed[w.Name] = w
	}
	for _, l := range leftovers {
		p.leftovers[l.Workflow] = l
	}
	for _, d := range desired {
		p.claim(d.Catalog, d.Workflow, d.Place)
	}
	for _, c := range policy.Claims {
		p.claim(c.Catalog, c.Workflow, c.Place)
	}
	for _, d := range desired {
		p.add(p.decide(d))
	}
	p.prune(observed)
	p.clean(observed)
	slices.SortStableFunc(p.changes, func(a, b Change) int {
		return cmp.Or(cmp.Compare(a.Catalog, b.Catalog), cmp.Compare(a.Table, b.Table), cmp.Compare(a.Workflow, b.Workflow))
	})
	return Plan{Changes: p.changes}
}

type planner struct {
	policy   Policy
	observed map[string]Workflow
	// names and places are the catalogs that claim a workflow name or a place.
	names, places map[string][]string
	leftovers     map[string]Leftovers
	changes       []Change
}

func (p *planner) claim(catalog, workflow, place string) {
	p.names[workflow] = append(p.names[workflow], catalog)
	if place != "" && !slices.Contains(p.places[place], catalog) {
		p.places[place] = append(p.places[place], catalog)
	}
}

func (p *planner) add(c Change) {
	if c.Action.Applies() {
		c.Leftovers = p.leftovers[c.Workflow].Entities
		delete(p.leftovers, c.Workflow)
	}
	if c.Action != Create && c.Action != Update {
		c.Parameters, c.Blueprint, c.Fingerprint, c.Changed = nil, nil, "", nil
	}
	p.changes = append(p.changes, c)
}

func (p *planner) decide(d Desired) Change {
	w, exists := p.observed[d.Workflow]
	c := Change{
		Catalog: d.Catalog, Owner: d.Owner, Table: d.Table, Workflow: d.Workflow,
		Fingerprint: d.Fingerprint, Blueprint: &d.Blueprint, Parameters: d.Parameters,
	}
	adopt := p.policy.Catalogs[d.Owner].Adopt
	switch names, places := p.names[d.Workflow], p.places[d.Place]; {
	case len(names) > 1:
		c.Action, c.Reason = Conflict, fmt.Sprintf("workflow %q is claimed by the catalogs %s; give one of the tables another WorkflowName", d.Workflow, list(names))
	case len(places) > 1:
		c.Action, c.Reason = Conflict, fmt.Sprintf("the table is landed by the catalogs %s, from the same secret to the same bucket; remove it from one of them", list(places))
	case !exists:
		c.Action, c.Reason = Create, "not in Glue"
	case w.Owner == "" && w.Blueprint != "" && adopt:
		c.Action, c.Reason, c.Adopt = Update, fmt.Sprintf("adopted; made from blueprint %q", w.Blueprint), true
	case w.Owner == "" && w.Blueprint != "":
		c.Action, c.Reason = Conflict, fmt.Sprintf("workflow %q exists, made from blueprint %q, and nobody owns it; set Adopt to true in the catalog to take it over, or give the table another WorkflowName", d.Workflow, w.Blueprint)
	case w.Owner == "":
		c.Action, c.Reason = Conflict, fmt.Sprintf("workflow %q exists and is not Landfall's; rename or delete it, or give the table another WorkflowName", d.Workflow)
	case w.Owner != d.Owner:
		c.Action, c.Reason = Conflict, fmt.Sprintf("workflow %q belongs to %s; give the table another WorkflowName", d.Workflow, w.Owner)
	case w.Fingerprint == "":
		c.Action, c.Reason = Update, "unfinished"
	case w.Fingerprint != d.Fingerprint:
		c.Action, c.Changed = Update, Differences(w.Parameters, d.Parameters)
		c.Reason = "the blueprint changed"
		if w.Fingerprint == Updating {
			c.Reason = "an update was cut off"
		} else if len(c.Changed) > 0 {
			c.Reason = fmt.Sprintf("%d parameter%s changed", len(c.Changed), plural(len(c.Changed)))
		}
	case w.Broken != "":
		c.Action, c.Reason, c.Repair = Update, w.Broken, true
	default:
		c.Action, c.Reason = None, "in sync"
	}
	if refused := p.policy.Refused[d.Workflow]; len(refused) > 0 && (c.Action == Create || c.Action == Update) {
		c.Action, c.Reason, c.Reasons = Conflict, strings.Join(refused, "\n"), refused
	}
	return c
}

// prune decides about the workflows of covered catalogs whose table is gone.
func (p *planner) prune(observed []Workflow) {
	owned, gone := map[string]int{}, map[string][]Workflow{}
	for _, w := range observed {
		if _, covered := p.policy.Catalogs[w.Owner]; !covered || IsStaging(w.Name) {
			continue
		}
		owned[w.Owner]++
		if len(p.names[w.Name]) == 0 {
			gone[w.Owner] = append(gone[w.Owner], w)
		}
	}
	for owner, workflows := range gone {
		rules := p.policy.Catalogs[owner]
		c := Change{Action: Orphan, Catalog: rules.Catalog, Owner: owner, Reason: "not in the catalog; the catalog does not prune", StopRunning: rules.StopRunning}
		most := max(1, owned[owner]*rules.PruneLimitPercent/100)
		switch {
		case rules.Prune && len(workflows) > most:
			c.Action = Conflict
			c.Reason = fmt.Sprintf("not in the catalog, and kept: %d of the catalog's %d workflows would be deleted, the limit is %d (%d %%). If that is meant, start the state machine with \"pruneLimitPercent\": 100, or set PruneLimitPercent in the catalog",
				len(workflows), owned[owner], most, rules.PruneLimitPercent)
		case rules.Prune:
			c.Action, c.Reason = Delete, "not in the catalog"
		}
		for _, w := range workflows {
			c.Table, c.Workflow = w.Table, w.Name
			p.add(c)
		}
	}
}

// clean adds what was left behind by attempts for tables that have no change of their own.
func (p *planner) clean(observed []Workflow) {
	applied := map[string]bool{}
	for _, c := range p.changes {
		if c.Action.Applies() {
			applied[c.Workflow] = true
		}
	}
	for _, w := range observed {
		live := strings.TrimSuffix(w.Name, stagingSuffix)
		rules, covered := p.policy.Catalogs[w.Owner]
		if !covered || live == w.Name || applied[live] {
			continue
		}
		if observed := p.observed[live]; observed.Fingerprint == Updating && observed.Broken != "" {
			// It can be started from the staging workflow alone until the update goes on.
			continue
		}
		applied[live] = true
		p.add(Change{Action: Clean, Catalog: rules.Catalog, Owner: w.Owner, Table: w.Table, Workflow: live, Reason: "an update was cut off"})
	}
	for _, l := range p.leftovers {
		rules, covered := p.policy.Catalogs[l.Owner]
		if !covered || applied[l.Workflow] {
			continue
		}
		p.add(Change{Action: Clean, Catalog: rules.Catalog, Owner: l.Owner, Table: l.Table, Workflow: l.Workflow, Reason: "left by an attempt that was cut off"})
	}
}

func list(catalogs []string) string {
	sorted := slices.Compact(slices.Sorted(slices.Values(catalogs)))
	return strings.Join(sorted, " and ")
}

func plural(n int) string {
	if n == 1 {
		return ""
	}
	return "s"
}
