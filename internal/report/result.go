package report

import (
	"encoding/json"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/landfall/landfall/internal/reconcile"
)

// Result is the execution's output. Error and Cause are those of the Fail state.
type Result struct {
	Status string `json:"status"`
	Error  string `json:"error"`
	Cause  string `json:"cause"`
	DryRun bool   `json:"dryRun"`
	Counts Counts `json:"counts"`
	// Reports are the S3 URIs of report.html, one per catalog.
	Reports []string `json:"reports"`
	// Failures are the first few; the report has all.
	Failures []Failure `json:"failures"`
	// Notice is the message for subscribers, absent when there is none to send.
	Notice *Notice `json:"notice,omitempty"`
}

// Failure is one cause of failure: of a whole catalog, or of one or more tables.
type Failure struct {
	Type    string `json:"type"`
	Catalog string `json:"catalog"`
	// Table is the first table that it concerns. It is empty when the whole catalog failed.
	Table string `json:"table,omitempty"`
	// Tables is how many tables there are; the report names them all.
	Tables  int    `json:"tables,omitempty"`
	Message string `json:"message"`

	// names names the first few of the tables.
	names string
}

// line is the failure in one line.
func (f Failure) line() string {
	return strings.Join(strings.Fields(f.Type+" "+f.Catalog+" "+f.names), " ") + ": " + f.Message
}

func (r *Result) add(c *CatalogReport) {
	r.Counts.Add(c.Counts)
	for _, p := range c.Problems {
		r.Failures = append(r.Failures, Failure{Type: reconcile.CatalogInvalid, Catalog: c.Catalog, Message: p})
	}
	for _, cause := range c.Causes {
		r.Failures = append(r.Failures, Failure{
			Type: cause.Type, Catalog: c.Catalog, Table: cause.Tables[0], Tables: len(cause.Tables), Message: cause.Message, names: cause.Names(namedTables),
		})
	}
}

// conclude sets the status, and the error and cause that a failed execution shows in the console.
func (r *Result) conclude() {
	if len(r.Failures) == 0 {
		return
	}
	r.Status = "Failed"
	r.Error = r.Failures[0].Type
	if slices.Contains([]string{TableFailed, Conflict}, r.Error) {
		r.Error = reconcile.TablesFailed
	}
	var lines []string
	if counts := r.Counts.Words(r.DryRun); counts != "" {
		lines = append(lines, counts)
	}
	total := len(r.Failures)
	r.Failures = r.Failures[:min(total, maxFailures)]
	for i, f := range r.Failures {
		f.Message = clip(f.Message)
		r.Failures[i] = f
		lines = append(lines, f.line())
	}
	if total > maxFailures {
		lines = append(lines, fmt.Sprintf("and %d more; the report has all", total-maxFailures))
	}
	for _, uri := range r.Reports {
		lines = append(lines, "report: "+uri)
	}
	r.Cause = strings.Join(lines, "\n")
}

// The cause of a failed execution takes 32,768 characters.
const (
	// maxFailures is how many failures the execution's output and its cause list.
	maxFailures = 20
	// namedTables is how many of its tables a failure names.
	namedTables = 5
	// maxMessage is how many characters of a failure's message they show.
	maxMessage = 600
)

// Why a change has no outcome.
const (
	changesCutOff = "no outcome was recorded: the ApplyChange function was cut off. Start the state machine again; what is done stays done"
	notAppliedYet = "not applied: the execution failed before. Start the state machine again"
)

func clip(s string) string {
	runes := []rune(s)
	if len(runes) <= maxMessage {
		return s
	}
	return string(runes[:maxMessage]) + "…"
}

// taskFailure reads the error of a failed Task: its declared type, and the
// message inside the JSON that Step Functions puts in Cause for a Lambda.
func taskFailure(e *reconcile.TaskError) (kind, message string) {
	var cause struct {
		ErrorMessage string `json:"errorMessage"`
	}
	message = e.Cause
	if json.Unmarshal([]byte(e.Cause), &cause) == nil && cause.ErrorMessage != "" {
		message = cause.ErrorMessage
	}
	if slices.Contains([]string{reconcile.CatalogInvalid, reconcile.CatalogLocked, reconcile.BlueprintFailed, reconcile.Unavailable}, e.Error) {
		return e.Error, message
	}
	return reconcile.Internal, path.Base(e.Error) + ": " + message
}
