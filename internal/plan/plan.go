// Package plan compares the tables of catalogs with the workflows that Glue
// holds. It is pure: no AWS, no clock, no randomness.
package plan

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Action is what a change does to one table's workflow.
type Action string

// The actions. Create, update, delete and clean are applied; the others are reported.
const (
	Create Action = "create"
	Update Action = "update"
	Delete Action = "delete"
	// Clean removes what an attempt that was cut off left behind; no table's workflow is touched.
	Clean    Action = "clean"
	None     Action = "none"
	Conflict Action = "conflict"
	Orphan   Action = "orphan"
)

// Rune is the action's mark in a printed plan.
func (a Action) Rune() rune {
	switch a {
	case Create:
		return '+'
	case Update:
		return '~'
	case Delete, Clean:
		return '-'
	case Conflict:
		return '!'
	case Orphan:
		return '?'
	default:
		return ' '
	}
}

// Applies tells whether the change needs any call that writes.
func (a Action) Applies() bool { return a == Create || a == Update || a == Delete || a == Clean }

// Desired is the workflow that one table of a catalog should have.
type Desired struct {
	Catalog     string
	Owner       string
	Table       string
	Workflow    string
	Blueprint   Blueprint
	Parameters  Values
	Fingerprint string
	// Place is where the table comes from and goes to: two catalogs must not land one table in one place.
	Place string
}

// Workflow is what Glue holds under one name. Owner, Table, Fingerprint and
// Parameters are empty on a workflow that Landfall did not make.
type Workflow struct {
	Name        string
	Owner       string
	Table       string
	Fingerprint string
	// Parameters is the JSON of the Values that the workflow was made from.
	Parameters string
	// Blueprint is the name of the blueprint that made it; empty on a workflow made by hand.
	Blueprint string
	// Broken says what the workflow lacks to work, such as its start trigger; empty when it lacks nothing.
	Broken string
}

// Entity is a job, crawler or trigger.
type Entity struct {
	Kind string `json:"kind"`
	Name string `json:"name"`
}

// Kinds of entities.
const (
	JobEntity     = "job"
	CrawlerEntity = "crawler"
	TriggerEntity = "trigger"
)

// Leftovers are entities of an owner that no workflow holds, by the workflow they were made for.
type Leftovers struct {
	Owner    string
	Table    string
	Workflow string
	Entities []Entity
}

// Claim is a workflow name, or a place, that a catalog outside this plan claims.
type Claim struct {
	Catalog  string
	Workflow string
	Place    string
}

// Rules are what one catalog allows beyond creating and updating.
type Rules struct {
	// Catalog is the catalog's name.
	Catalog string
	// Prune deletes workflows whose table is no longer in the catalog.
	Prune bool
	// PruneLimitPercent is the largest share of the catalog's workflows that one
	// execution deletes; one is always allowed.
	PruneLimitPercent int
	// StopRunning stops the running workflow of a table that is deleted, rather than waiting for its end.
	StopRunning bool
	// Adopt takes over workflows that a blueprint made and nobody owns.
	Adopt bool
}

// Policy is what a plan is made under.
type Policy struct {
	// Catalogs maps the owner of every catalog that this plan covers to its rules.
	// Workflows of any other owner are invisible.
	Catalogs map[string]Rules
	// Claims are those of catalogs that this plan does not cover.
	Claims []Claim
	// Refused are reasons why a workflow must not be created or updated, by workflow name.
	Refused map[string]string
}

// Change is what happens to one table's workflow, and why.
type Change struct {
	Action   Action `json:"action"`
	Catalog  string `json:"catalog"`
	Owner    string `json:"owner"`
	Table    string `json:"table"`
	Workflow string `json:"workflow"`
	Reason   string `json:"reason"`
	// Changed are the parameters that an update brings in step, in the order of their names.
	Changed     []Difference `json:"changed,omitempty"`
	Fingerprint string       `json:"fingerprint,omitempty"`
	Blueprint   *Blueprint   `json:"blueprint,omitempty"`
	Parameters  Values       `json:"parameters,omitempty"`
	// Adopt tells that the workflow may be taken over although nobody owns it.
	Adopt bool `json:"adopt,omitempty"`
	// Repair tells that the workflow is made again although its fingerprint is as wanted.
	Repair bool `json:"repair,omitempty"`
	// StopRunning tells that a running workflow is stopped before it is deleted.
	StopRunning bool `json:"stopRunning,omitempty"`
	// Leftovers of an earlier attempt are removed first.
	Leftovers []Entity `json:"leftovers,omitempty"`
}

// Difference is one parameter as the workflow was made from it, and as the catalog has it now.
type Difference struct {
	Parameter string `json:"parameter"`
	Old       string `json:"old"`
	New       string `json:"new"`
}

// Plan is every change, sorted by catalog, table and workflow.
type Plan struct {
	Changes []Change `json:"changes"`
	// Unchecked are the checks before the first change that could not be made.
	Unchecked []string `json:"unchecked,omitempty"`
}

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
		policy: policy, held: make(map[string]Workflow, len(observed)), names: map[string][]string{}, places: map[string][]string{},
		leftovers: map[string]Leftovers{},
	}
	for _, w := range observed {
		p.held[w.Name] = w
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
	policy Policy
	held   map[string]Workflow
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
	w, exists := p.held[d.Workflow]
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
		c.Action, c.Reason = None, "in step"
	}
	if refused := p.policy.Refused[d.Workflow]; refused != "" && (c.Action == Create || c.Action == Update) {
		c.Action, c.Reason = Conflict, refused
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
		if held := p.held[live]; held.Fingerprint == Updating && held.Broken != "" {
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

// Counts is how many changes there are of each action.
func (p Plan) Counts() map[Action]int {
	counts := map[Action]int{Create: 0, Update: 0, Delete: 0, Clean: 0, None: 0, Conflict: 0, Orphan: 0}
	for _, c := range p.Changes {
		counts[c.Action]++
	}
	return counts
}

// ToApply is the changes that need a call that writes, without what only a reader needs.
func (p Plan) ToApply() []Change {
	apply := []Change{}
	for _, c := range p.Changes {
		if c.Action.Applies() {
			c.Changed = nil
			apply = append(apply, c)
		}
	}
	return apply
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
