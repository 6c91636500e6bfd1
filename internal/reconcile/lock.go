package reconcile

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/landfall/landfall/internal/keys"
)

// LockObjects is the part of the artifacts bucket that holds locks.
type LockObjects interface {
	Reader
	// GetWithETag returns the object and its entity tag.
	GetWithETag(ctx context.Context, key string) (body []byte, etag string, err error)
	// PutIfMatch puts the object only where the one with the entity tag still is, or
	// with an empty tag where none is; else it returns ErrBusy.
	PutIfMatch(ctx context.Context, key string, body []byte, contentType, etag string) error
	// DeleteIfMatch deletes the object only where the one with the entity tag still
	// is; else it returns ErrBusy, or ErrNotFound when there is none.
	DeleteIfMatch(ctx context.Context, key, etag string) error
}

// Lock is the content of locks/<catalog>.json: who works on the catalog.
type Lock struct {
	Holder
	// TakenOver reports that the execution before this one did not finish the catalog.
	TakenOver bool `json:"takenOver,omitempty"`
}

// Holder is an execution that works on a catalog, and since when.
type Holder struct {
	Execution    string    `json:"execution"`
	ExecutionARN string    `json:"executionArn"`
	Since        time.Time `json:"since"`
}

func (h Holder) String() string {
	switch {
	case h.Execution == "":
		return "another execution"
	case h.Since.IsZero():
		return "execution " + h.Execution
	}
	return "execution " + h.Execution + ", since " + h.Since.UTC().Format("2006-01-02 15:04:05 UTC")
}

// Locked is a catalog that an execution waits for, and who has it. The holder
// is empty when it is not known yet.
type Locked struct {
	Catalog string `json:"catalog"`
	Holder
}

// LockedError says that another execution has the catalog's lock, or that nobody
// has it any more. Waited is how long this execution has waited for it.
type LockedError struct {
	Catalog string
	Holder  Holder
	Waited  time.Duration
}

func (e *LockedError) Error() string {
	if e.Holder.Execution == "" && e.Holder.ExecutionARN == "" && e.Waited == 0 {
		return fmt.Sprintf("this execution no longer has the lock of catalog %s: it has ended. Start the state machine again", e.Catalog)
	}
	return fmt.Sprintf("catalog %s is worked on by %s (%s); this one waited %s. Wait for its end or stop it, and start the state machine again",
		e.Catalog, e.Holder, cmp.Or(e.Holder.ExecutionARN, "not known"), e.Waited.Round(time.Second))
}

// ErrorType routes the state machine.
func (e *LockedError) ErrorType() string { return CatalogLocked }

// Locks are those of executions on catalogs. Every write is conditional on what
// was read, so that of two executions at once one wins.
type Locks struct{ Objects LockObjects }

// Acquire takes the catalog for an execution. It returns the lock of the execution
// that has it: me, or another one's. A lock whose execution is no longer running
// is taken over.
func (l Locks) Acquire(ctx context.Context, catalog string, me Lock, running func(ctx context.Context, executionARN string) (bool, error)) (Lock, error) {
	key := keys.Lock(catalog)
	data, etag, err := l.Objects.GetWithETag(ctx, key)
	if errors.Is(err, ErrNotFound) {
		etag, err = "", nil
	}
	if err != nil {
		return Lock{}, err
	}
	if etag != "" {
		var observed Lock
		if json.Unmarshal(data, &observed) != nil {
			observed = Lock{} // nobody's: it is not what an execution writes
		}
		if observed.ExecutionARN == me.ExecutionARN {
			return observed, nil
		}
		if observed.ExecutionARN != "" {
			if goesOn, err := running(ctx, observed.ExecutionARN); err != nil || goesOn {
				return observed, err
			}
		}
		me.TakenOver = true
	}
	body, err := json.Marshal(me)
	if err != nil {
		return Lock{}, fmt.Errorf("encode %s: %w", key, err)
	}
	err = l.Objects.PutIfMatch(ctx, key, body, "application/json", etag)
	if errors.Is(err, ErrBusy) {
		return Lock{}, nil // another execution was faster; the next poll shows which
	}
	return me, err
}

// CheckLock returns a *LockedError unless the execution has the catalog's lock.
func CheckLock(ctx context.Context, objects Reader, catalog, execution string) error {
	var observed Lock
	if err := ReadJSON(ctx, objects, keys.Lock(catalog), &observed); err != nil && !errors.Is(err, ErrNotFound) {
		return err
	}
	if observed.Execution != execution {
		return &LockedError{Catalog: catalog, Holder: observed.Holder}
	}
	return nil
}

// Release gives back the execution's locks, except those of catalogs that need
// recovery: the next execution takes these over, and so knows that blueprint runs
// may still go on.
func (l Locks) Release(ctx context.Context, executionARN string, needsRecovery func(catalog string) bool) error {
	objects, err := l.Objects.List(ctx, keys.Locks)
	if err != nil {
		return err
	}
	for _, o := range objects {
		data, etag, err := l.Objects.GetWithETag(ctx, o.Key)
		if errors.Is(err, ErrNotFound) {
			continue
		}
		if err != nil {
			return err
		}
		var observed Lock
		if json.Unmarshal(data, &observed) != nil || observed.ExecutionARN != executionARN || needsRecovery(CatalogName(o.Key)) {
			continue
		}
		// Another execution may take the lock over at this moment: then it is no longer this one's to delete.
		if err := l.Objects.DeleteIfMatch(ctx, o.Key, etag); err != nil && !errors.Is(err, ErrBusy) && !errors.Is(err, ErrNotFound) {
			return err
		}
	}
	return nil
}
