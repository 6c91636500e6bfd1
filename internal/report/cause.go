package report

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/landfall/landfall/internal/plan"
	"github.com/landfall/landfall/internal/reconcile"
)

// Types of causes that concern tables.
const (
	TableFailed = "TableFailed"
	Conflict    = "Conflict"
)

// Cause is one reason why tables failed or are in conflict.
type Cause struct {
	// Type is TableFailed or Conflict.
	Type string `json:"type"`
	// Message says what is wrong and what to do.
	Message string `json:"message"`
	// Tables are all tables that it concerns, in the report's order.
	Tables []string `json:"tables"`
}

// causeKey identifies a cause: its type and its message.
type causeKey struct{ kind, message string }

// Causes groups the failed tables by the reasons for which they failed. A table
// of several reasons is in several groups. The cause of the most tables comes
// first; among equals the order is that of the tables and of their reasons.
func Causes(tables []Row) []Cause {
	index := map[causeKey]int{}
	var causes []Cause
	for _, row := range tables {
		if row.Status != reconcile.Failed {
			continue
		}
		for _, message := range row.reasons() {
			k := causeKey{row.failure(), message}
			i, known := index[k]
			if !known {
				i = len(causes)
				index[k] = i
				causes = append(causes, Cause{Type: k.kind, Message: message})
			}
			causes[i].Tables = append(causes[i].Tables, row.name())
		}
	}
	slices.SortStableFunc(causes, func(a, b Cause) int { return cmp.Compare(len(b.Tables), len(a.Tables)) })
	return causes
}

// reasons are why the row failed, at least one.
func (r Row) reasons() []string {
	if len(r.Errors) > 0 {
		return r.Errors
	}
	return []string{r.Error}
}

// failure is the type of the row's causes.
func (r Row) failure() string {
	if r.Action == plan.Conflict {
		return Conflict
	}
	return TableFailed
}

// name is the table, or the workflow of a table that is not known.
func (r Row) name() string { return cmp.Or(r.Table, r.Workflow) }

// Names names the first few of the cause's tables and counts the others:
// "hr.a, hr.b, hr.c and 4 more".
func (c Cause) Names(most int) string {
	if len(c.Tables) <= most+1 { // "and 1 more" would save nothing
		return strings.Join(c.Tables, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(c.Tables[:most], ", "), len(c.Tables)-most)
}
