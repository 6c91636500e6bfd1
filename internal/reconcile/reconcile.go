// Package reconcile has what the Tasks of the state machine share: the ports
// and their errors, the state that one Task hands to the next, the keys of the
// artifacts bucket, the lock of a catalog, and ownership. Each Task is a package
// below this one, of the Task's name.
//
// Every Task is level-triggered: it reads what Glue and S3 hold, does the next
// idempotent step, and returns whether it is done. It may be cut off anywhere
// and repeated.
package reconcile

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
)

// Sentinel errors that adapters wrap.
var (
	// ErrNotFound is returned when the named thing does not exist.
	ErrNotFound = errors.New("not found")
	// ErrAlreadyExists is returned when a thing of that name exists.
	ErrAlreadyExists = errors.New("already exists")
	// ErrBusy is returned when Glue refuses because the thing is being changed; the call may be repeated.
	ErrBusy = errors.New("busy")
	// ErrRefused is returned when repeating the call does not help: wrong input, a missing permission, a quota.
	ErrRefused = errors.New("refused")
	// ErrForbidden is returned when the caller lacks the permission; it is an ErrRefused too.
	ErrForbidden = errors.New("forbidden")
)

// Statuses that a Task returns to the state machine.
const (
	Done   = "done"
	Wait   = "wait"
	Failed = "failed"
)

// Error types of an execution, by which the state machine and its readers distinguish failures.
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

// WriteJSON puts v as a JSON object.
func WriteJSON(ctx context.Context, objects Writer, key string, v any) error {
	data, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("encode %s: %w", key, err)
	}
	return objects.Put(ctx, key, data, "application/json")
}
