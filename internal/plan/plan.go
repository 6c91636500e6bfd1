// Package plan compares the tables of catalogs with the workflows that Glue
// holds. It is pure: no AWS, no clock, no randomness.
package plan

import (
	"cmp"
	"fmt"
	"slices"
)

// Action is what a change does to one table's workflow.
type Action string

// The actions. Only create, update and delete are applied; the others are reported.
const (
	Create   Action = "create"
	Update   Action = "update"
	Delete   Action = "delete"
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
	case Delete:
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
func (a Action) Applies() bool { return a == Create || a == Update || a == Delete }

// Desired is the workflow that one table of a catalog should have.
type Desired struct {
	Catalog     string
	Owner       string
	Table       string
	Workflow    string
	Parameters  Parameters
	Fingerprint string
}

// Workflow is what Glue holds under one name. Owner, Table and Fingerprint are
// empty on a workflow that Landfall did not make.
type Workflow struct {
	Name        string
	Owner       string
	Table       string
	Fingerprint string
}

// Policy says what a catalog allows beyond creating and updating.
type Policy struct {
	// Catalogs maps the owner of every catalog that this plan covers to its name.
	// Workflows of any other owner are invisible.
	Catalogs map[string]string
	// Prune holds the owners whose catalog says that workflows of removed tables are deleted.
	Prune map[string]bool
}

// Change is what happens to one table's workflow, and why.
type Change struct {
	Action   Action `json:"action"`
	Catalog  string `json:"catalog"`
	Owner    string `json:"owner"`
	Table    string `json:"table"`
	Workflow string `json:"workflow"`
	Reason   string `json:"reason"`
	// Changed are the parameters that an update brings in step, in the order of Parameters.
	Changed     []Difference `json:"changed,omitempty"`
	Fingerprint string       `json:"fingerprint,omitempty"`
	Parameters  *Parameters  `json:"parameters,omitempty"`
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
}

// New makes the plan. For each workflow name:
//
//	in catalog | workflow exists | owned by this catalog | fingerprint          | action
//	yes        | no              | –                     | –                    | create
//	yes        | yes             | yes                   | same                 | none
//	yes        | yes             | yes                   | differs / unfinished | update
//	yes        | yes             | no                    | –                    | conflict
//	no         | yes             | yes                   | –                    | delete if the catalog prunes, else orphan
//	no         | yes             | no                    | –                    | invisible
//
// A workflow name that two catalogs claim is a conflict in both.
func New(desired []Desired, observed []Workflow, policy Policy) Plan {
	held := make(map[string]Workflow, len(observed))
	for _, w := range observed {
		held[w.Name] = w
	}
	claims := make(map[string][]string, len(desired))
	for _, d := range desired {
		claims[d.Workflow] = append(claims[d.Workflow], d.Catalog)
	}
	changes := make([]Change, 0, len(desired))
	for _, d := range desired {
		w, exists := held[d.Workflow]
		changes = append(changes, decide(d, w, exists, claims[d.Workflow]))
	}
	for _, w := range observed {
		name, ours := policy.Catalogs[w.Owner]
		if !ours || len(claims[w.Name]) > 0 {
			continue
		}
		c := Change{Action: Orphan, Catalog: name, Owner: w.Owner, Table: w.Table, Workflow: w.Name, Reason: "not in the catalog; the catalog does not prune"}
		if policy.Prune[w.Owner] {
			c.Action, c.Reason = Delete, "not in the catalog"
		}
		changes = append(changes, c)
	}
	slices.SortStableFunc(changes, func(a, b Change) int {
		return cmp.Or(cmp.Compare(a.Catalog, b.Catalog), cmp.Compare(a.Table, b.Table), cmp.Compare(a.Workflow, b.Workflow))
	})
	return Plan{Changes: changes}
}

func decide(d Desired, w Workflow, exists bool, claims []string) Change {
	c := Change{Catalog: d.Catalog, Owner: d.Owner, Table: d.Table, Workflow: d.Workflow, Fingerprint: d.Fingerprint, Parameters: &d.Parameters}
	switch {
	case len(claims) > 1:
		c.Action, c.Reason = Conflict, fmt.Sprintf("workflow %q is claimed by the catalogs %v; give one of the tables another WorkflowName", d.Workflow, claims)
	case !exists:
		c.Action, c.Reason = Create, "not in Glue"
	case w.Owner == "":
		c.Action, c.Reason = Conflict, fmt.Sprintf("workflow %q exists and is not Landfall's; rename or delete it, or give the table another WorkflowName", d.Workflow)
	case w.Owner != d.Owner:
		c.Action, c.Reason = Conflict, fmt.Sprintf("workflow %q belongs to %s; give the table another WorkflowName", d.Workflow, w.Owner)
	case w.Fingerprint == d.Fingerprint:
		c.Action, c.Reason = None, "in step"
	case w.Fingerprint == "":
		c.Action, c.Reason = Update, "unfinished"
	default:
		c.Action, c.Reason = Update, fmt.Sprintf("fingerprint %.8s → %.8s", w.Fingerprint, d.Fingerprint)
	}
	if !c.Action.Applies() {
		c.Parameters = nil
	}
	return c
}

// Counts is how many changes there are of each action.
func (p Plan) Counts() map[Action]int {
	counts := map[Action]int{Create: 0, Update: 0, Delete: 0, None: 0, Conflict: 0, Orphan: 0}
	for _, c := range p.Changes {
		counts[c.Action]++
	}
	return counts
}

// ToApply is the changes that need a call that writes.
func (p Plan) ToApply() []Change {
	apply := []Change{}
	for _, c := range p.Changes {
		if c.Action.Applies() {
			apply = append(apply, c)
		}
	}
	return apply
}
