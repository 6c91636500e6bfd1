package reconcile

import (
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
	Execution    string    `json:"execution"`
	ExecutionARN string    `json:"executionArn"`
	Since        time.Time `json:"since"`
}

// LockedError says that another execution works on the catalog, and goes on doing so.
type LockedError struct {
	Catalog, Holder string
	Waited          time.Duration
}

func (e *LockedError) Error() string {
	return fmt.Sprintf("catalog %s: execution %s has been working on it for the %s that this one waited. Wait for its end or stop it, and start the state machine again", e.Catalog, e.Holder, e.Waited.Round(time.Second))
}

// ErrorType routes the state machine.
func (e *LockedError) ErrorType() string { return CatalogLocked }

// acquire takes the catalog for the execution. It returns the execution that
// holds it, or "" when it is this one's. A lock whose execution is no longer
// running is taken over. Both are conditional writes: of two at once one wins.
func (r *Reconciler) acquire(ctx context.Context, catalog string, me lock) (holder string, err error) {
	key := locksPrefix + catalog + ".json"
	body, err := json.Marshal(me)
	if err != nil {
		return "", fmt.Errorf("encode %s: %w", key, err)
	}
	data, tag, err := r.Objects.GetTagged(ctx, key)
	if errors.Is(err, ErrNotFound) {
		tag, err = "", nil
	}
	if err != nil {
		return "", err
	}
	if tag != "" {
		var held lock
		if json.Unmarshal(data, &held) != nil {
			held = lock{} // nobody's: it is not what an execution writes
		}
		if held.ExecutionARN == me.ExecutionARN {
			return "", nil
		}
		if held.ExecutionARN != "" {
			running, err := r.Executions.Running(ctx, held.ExecutionARN)
			if err != nil || running {
				return held.Execution, err
			}
			r.Log.Warn("taking over the lock of an execution that has ended", "catalog", catalog, "execution", held.Execution)
		}
	}
	err = r.Objects.PutIf(ctx, key, body, "application/json", tag)
	if errors.Is(err, ErrBusy) {
		return "another execution", nil
	}
	return "", err
}

// release gives back every lock of the execution.
func (r *Reconciler) release(ctx context.Context, executionARN string) error {
	objects, err := r.Objects.List(ctx, locksPrefix)
	if err != nil {
		return err
	}
	for _, o := range objects {
		var held lock
		if err := r.getJSON(ctx, o.Key, &held); err != nil {
			if errors.Is(err, ErrNotFound) {
				continue
			}
			return err
		}
		if held.ExecutionARN != executionARN {
			continue
		}
		if err := r.Objects.Delete(ctx, o.Key); err != nil {
			return err
		}
	}
	return nil
}

// acquireAll takes the catalogs in the order of their keys, so that no two executions wait for each other.
func (r *Reconciler) acquireAll(ctx context.Context, in LoadCatalogInput, objects []Object, state *State) (waiting bool, err error) {
	me := lock{Execution: in.Execution, ExecutionARN: in.ExecutionARN, Since: r.Now().UTC()}
	for _, o := range objects {
		name := catalogName(o.Key)
		holder, err := r.acquire(ctx, name, me)
		if err != nil {
			return false, err
		}
		if holder == "" {
			continue
		}
		waited := time.Duration(in.Input.Waited) * time.Second
		if waited >= lockLimit {
			return false, &LockedError{Catalog: name, Holder: holder, Waited: waited}
		}
		r.Log.Info("waiting for another execution", "catalog", name, "holder", holder, "waited", waited)
		state.Status, state.WaitSeconds = Wait, int(lockPoll/time.Second)
		if waited == 0 {
			state.WaitSeconds = 2
		}
		state.Waited += state.WaitSeconds
		return true, nil
	}
	return false, nil
}
