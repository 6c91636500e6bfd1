package reconcile

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// How long an execution waits for another one of the same catalog.
const (
	lockPoll  = 10 * time.Second
	lockLimit = 2 * time.Hour
)

const locksPrefix = "locks/"

// lock is the content of locks/<catalog>.json: who works on the catalog.
type lock struct {
	Holder
	// TakenOver tells that the execution before this one did not get the catalog in step.
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

// LockedError says that another execution works on the catalog, and goes on doing so.
type LockedError struct {
	Catalog string
	Holder  Holder
	Waited  time.Duration
}

func (e *LockedError) Error() string {
	return fmt.Sprintf("catalog %s is worked on by %s (%s); this one waited %s. Wait for its end or stop it, and start the state machine again",
		e.Catalog, e.Holder, cmp.Or(e.Holder.ExecutionARN, "not known"), e.Waited.Round(time.Second))
}

// ErrorType routes the state machine.
func (e *LockedError) ErrorType() string { return CatalogLocked }

// acquire takes the catalog for the execution. It returns the lock of the
// execution that holds it: this one's, or another's. A lock whose execution is
// no longer running is taken over. Both are conditional writes: of two at once
// one wins.
func (r *Reconciler) acquire(ctx context.Context, catalog string, me lock) (lock, error) {
	key := locksPrefix + catalog + ".json"
	data, tag, err := r.Objects.GetTagged(ctx, key)
	if errors.Is(err, ErrNotFound) {
		tag, err = "", nil
	}
	if err != nil {
		return lock{}, err
	}
	if tag != "" {
		var held lock
		if json.Unmarshal(data, &held) != nil {
			held = lock{} // nobody's: it is not what an execution writes
		}
		if held.ExecutionARN == me.ExecutionARN {
			return held, nil
		}
		if held.ExecutionARN != "" {
			running, err := r.Executions.Running(ctx, held.ExecutionARN)
			if err != nil || running {
				return held, err
			}
			r.Log.Warn("taking over the lock of an execution that has ended", "catalog", catalog, "execution", held.Execution)
		}
		me.TakenOver = true
	}
	body, err := json.Marshal(me)
	if err != nil {
		return lock{}, fmt.Errorf("encode %s: %w", key, err)
	}
	err = r.Objects.PutIf(ctx, key, body, "application/json", tag)
	if errors.Is(err, ErrBusy) {
		return lock{}, nil // another one was quicker; the next look tells which
	}
	return me, err
}

// release gives back the locks of the execution, but for those of the catalogs
// that it leaves undone: the next execution takes these over, and so knows that
// it has to look for what goes on.
func (r *Reconciler) release(ctx context.Context, executionARN string, undone func(catalog string) bool) error {
	objects, err := r.Objects.List(ctx, locksPrefix)
	if err != nil {
		return err
	}
	for _, o := range objects {
		data, tag, err := r.Objects.GetTagged(ctx, o.Key)
		if errors.Is(err, ErrNotFound) {
			continue
		}
		if err != nil {
			return err
		}
		var held lock
		if json.Unmarshal(data, &held) != nil || held.ExecutionARN != executionARN || undone(catalogName(o.Key)) {
			continue
		}
		// Another execution may take the lock over at this moment: then it is no longer this one's to delete.
		if err := r.Objects.DeleteIfMatch(ctx, o.Key, tag); err != nil && !errors.Is(err, ErrBusy) && !errors.Is(err, ErrNotFound) {
			return err
		}
	}
	return nil
}

// acquireAll takes the catalogs in the order of their keys, so that no two executions wait for each other.
func (r *Reconciler) acquireAll(ctx context.Context, in LoadCatalogInput, objects []Object, state *State) (waiting bool, err error) {
	me := lock{Holder: Holder{in.Execution, in.ExecutionARN, r.Now().UTC()}}
	for _, o := range objects {
		name := catalogName(o.Key)
		held, err := r.acquire(ctx, name, me)
		if err != nil {
			return false, err
		}
		if held.ExecutionARN == me.ExecutionARN {
			state.TakenOver = state.TakenOver || held.TakenOver
			continue
		}
		waited := time.Duration(in.Input.Waited) * time.Second
		if waited >= lockLimit {
			return false, &LockedError{Catalog: name, Holder: held.Holder, Waited: waited}
		}
		r.Log.Info("waiting for another execution", "catalog", name, "holder", held.Execution, "waited", waited)
		state.Locked = &Locked{Catalog: name, Holder: held.Holder}
		state.Status, state.WaitSeconds = Wait, int(lockPoll/time.Second)
		if waited == 0 {
			state.WaitSeconds = 2
		}
		state.Waited += state.WaitSeconds
		return true, nil
	}
	return false, nil
}
