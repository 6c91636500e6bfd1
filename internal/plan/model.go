package plan

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

// Applies reports whether the change needs any call that writes.
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

// Workflow is the workflow that exists in Glue under one name. Owner, Table, Fingerprint and
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

// Leftovers are entities of an owner that no workflow uses, by the workflow they were made for.
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
	// Refused are the reasons why a workflow must not be created or updated, by workflow name.
	Refused map[string][]string
}

// Change is what happens to one table's workflow, and why.
type Change struct {
	Action   Action `json:"action"`
	Catalog  string `json:"catalog"`
	Owner    string `json:"owner"`
	Table    string `json:"table"`
	Workflow string `json:"workflow"`
	Reason   string `json:"reason"`
	// Reasons are those of a refused change one by one; Reason has them all, each on a line of its own.
	Reasons []string `json:"reasons,omitempty"`
	// Changed are the parameters that an update changes, in the order of their names.
	Changed     []Difference `json:"changed,omitempty"`
	Fingerprint string       `json:"fingerprint,omitempty"`
	Blueprint   *Blueprint   `json:"blueprint,omitempty"`
	Parameters  Values       `json:"parameters,omitempty"`
	// Adopt reports that the workflow may be taken over although nobody owns it.
	Adopt bool `json:"adopt,omitempty"`
	// Repair reports that the workflow is updated although its fingerprint is as wanted.
	Repair bool `json:"repair,omitempty"`
	// StopRunning reports that a running workflow is stopped before it is deleted.
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
