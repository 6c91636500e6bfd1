// Package reconcile holds the use cases behind the state machine's Tasks: one
// method per Task, of the Task's name. Every method is level-triggered: it
// looks at what Glue and S3 hold now, does the next idempotent step, and says
// whether it is done, so any of them may be cut off and repeated.
package reconcile

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/landfall/landfall/internal/keys"
)

// What an adapter's error can be told apart by, with errors.Is.
var (
	// ErrNotFound is returned when the named thing does not exist.
	ErrNotFound = errors.New("not found")
	// ErrAlreadyExists is returned when a thing of that name exists.
	ErrAlreadyExists = errors.New("already exists")
	// ErrBusy is returned when Glue refuses because the thing is being changed; the call may be repeated.
	ErrBusy = errors.New("busy")
	// ErrRefused is returned when asking again does not help: wrong input, a missing permission, a quota.
	ErrRefused = errors.New("refused")
	// ErrForbidden is returned when the caller lacks the permission; it is an ErrRefused too.
	ErrForbidden = errors.New("forbidden")
)

// Reconciler carries what the use cases work on. A Lambda fills only what its use case needs.
type Reconciler struct {
	Objects    Objects
	Blueprints Blueprints
	Workflows  Workflows
	Entities   Entities
	Executions Executions
	Preflight  Preflight
	// Now and Sleep are the clock's. Sleep returns the context's error when that ends first.
	Now   func() time.Time
	Sleep func(ctx context.Context, d time.Duration) error
	Log   *slog.Logger
}

// Statuses that a use case answers the state machine with.
const (
	Done   = "done"
	Wait   = "wait"
	Failed = "failed"
)

// Error types of an execution, which the state machine and its readers tell failures apart by.
const (
	// CatalogInvalid: a catalog cannot be loaded; nothing of it was changed.
	CatalogInvalid = "CatalogInvalid"
	// CatalogLocked: another execution works on the catalog and does not end; nothing was changed.
	CatalogLocked = "CatalogLocked"
	// BlueprintFailed: Glue refused the blueprint; no workflow was touched.
	BlueprintFailed = "BlueprintFailed"
	// TablesFailed: some tables failed or are in conflict; the others are done.
	TablesFailed = "TablesFailed"
	// Unavailable: an AWS service did not answer as it should; the step may be repeated.
	Unavailable = "Unavailable"
	// Internal: none of the above; a defect or a missing permission.
	Internal = "Internal"
)

// BlueprintError says that Glue could not register the blueprint.
type BlueprintError struct{ Name, Message string }

func (e *BlueprintError) Error() string {
	return fmt.Sprintf("blueprint %q could not be registered: %s", e.Name, e.Message)
}

// ErrorType routes the state machine.
func (e *BlueprintError) ErrorType() string { return BlueprintFailed }

// ReadJSON decodes the object into v. A missing object is ErrNotFound.
func ReadJSON(ctx context.Context, objects Reader, key string, v any) error {
	data, err := objects.Get(ctx, key)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(data, v); err != nil {
		return fmt.Errorf("decode %s: %w", key, err)
	}
	return nil
}

func (r *Reconciler) getJSON(ctx context.Context, key string, v any) error {
	return ReadJSON(ctx, r.Objects, key, v)
}

func (r *Reconciler) putJSON(ctx context.Context, key string, v any) error {
	data, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("encode %s: %w", key, err)
	}
	return r.Objects.Put(ctx, key, data, "application/json")
}

// Where one execution keeps its values in the artifacts bucket.

// DesiredKey is the key of the catalogs that the execution loaded, a DesiredFile.
func DesiredKey(execution string) string { return keys.Desired(execution) }

// PlanKey is the key of the execution's plan.Plan.
func PlanKey(execution string) string { return keys.Plan(execution) }

func changesKey(execution string) string { return keys.Changes(execution) }

// OutcomesPrefix begins the keys of the Outcomes that ApplyChange records.
func OutcomesPrefix(execution string) string {
	return keys.Outcomes(execution)
}
