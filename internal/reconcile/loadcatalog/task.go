// Package loadcatalog is the LoadCatalog Task: it takes catalogs for an execution,
// and reads and checks them.
package loadcatalog

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/landfall/landfall/internal/catalog"
	"github.com/landfall/landfall/internal/keys"
	"github.com/landfall/landfall/internal/plan"
	"github.com/landfall/landfall/internal/reconcile"
	"github.com/landfall/landfall/internal/reconcile/timing"
)

// Objects is the artifacts bucket.
type Objects interface {
	reconcile.LockObjects
	reconcile.Writer
}

// Executions reads the state machine's executions.
type Executions interface {
	// Running reports whether the execution is going on. One that is not known is not.
	Running(ctx context.Context, executionARN string) (bool, error)
}

// Task is the LoadCatalog Task. All fields are required.
type Task struct {
	Objects    Objects
	Executions Executions
	// StackDefaults is what the deployed stack adds to the entries of catalogs.
	StackDefaults catalog.StackDefaults
	// BlueprintName begins the names of custom blueprints in Glue.
	BlueprintName string
	Now           func() time.Time
	Log           *slog.Logger
}

// LoadCatalog takes the named catalog, or every catalog under catalogs/, for
// this execution, reads and checks it, and keeps the result for the next Tasks.
// While another execution has one of them the answer is "wait". It returns an
// error of type CatalogInvalid when no catalog is left to work on. With several
// catalogs an invalid one is left out, reported, and fails the execution in
// the end, without holding back the others.
func (t *Task) LoadCatalog(ctx context.Context, in reconcile.LoadCatalogInput) (reconcile.State, error) {
	state := reconcile.State{Request: in.Input, Execution: in.Execution, Status: reconcile.Done, Catalogs: []string{}, Blueprints: []plan.Blueprint{}}
	if err := checkRequest(in.Input); err != nil {
		return reconcile.State{}, err
	}
	objects, err := t.requested(ctx, in.Input)
	if err != nil {
		return reconcile.State{}, err
	}
	if !in.Input.DryRun {
		if waiting, err := t.acquireAll(ctx, in, objects, &state); err != nil || waiting {
			return state, err
		}
	}
	var file reconcile.DesiredFile
	var invalid []error
	for _, o := range objects {
		loaded, err := t.loadOne(ctx, in.Input, o)
		if err != nil {
			if _, ok := errors.AsType[*catalog.InvalidError](err); !ok {
				return reconcile.State{}, err
			}
			invalid = append(invalid, err)
		} else {
			addCatalog(&state, loaded)
		}
		file.Catalogs = append(file.Catalogs, loaded)
	}
	if file.Claims, err = t.claims(ctx, objects); err != nil {
		return reconcile.State{}, err
	}
	if err := reconcile.WriteJSON(ctx, t.Objects, keys.Desired(in.Execution), file); err != nil {
		return reconcile.State{}, err
	}
	t.Log.Info("catalogs loaded", "catalogs", len(state.Catalogs), "tables", state.Tables, "invalid", len(invalid))
	if len(state.Catalogs) == 0 {
		return reconcile.State{}, errors.Join(invalid...)
	}
	return state, nil
}

// claims are what the catalogs that are not part of this execution claim. One that is invalid claims nothing.
func (t *Task) claims(ctx context.Context, mine []reconcile.Object) ([]plan.Claim, error) {
	all, err := reconcile.ListCatalogs(ctx, t.Objects, "catalogs/")
	if err != nil {
		return nil, err
	}
	claims := []plan.Claim{}
	for _, o := range all {
		if slices.ContainsFunc(mine, func(m reconcile.Object) bool { return m.Key == o.Key }) {
			continue
		}
		name := reconcile.CatalogName(o.Key)
		parsed, err := reconcile.ParseCatalog(ctx, t.Objects, t.StackDefaults, name, o)
		if _, invalid := errors.AsType[*catalog.InvalidError](err); invalid || errors.Is(err, reconcile.ErrNotFound) {
			continue
		}
		if err != nil {
			return nil, err
		}
		for _, table := range parsed.Tables {
			claims = append(claims, plan.Claim{Catalog: name, Workflow: table.WorkflowName, Place: plan.ClaimKey(table)})
		}
	}
	return claims, nil
}

func (t *Task) loadOne(ctx context.Context, request reconcile.Request, o reconcile.Object) (reconcile.LoadedCatalog, error) {
	name := reconcile.CatalogName(o.Key)
	loaded := reconcile.LoadedCatalog{Name: name, Key: o.Key}
	parsed, err := reconcile.ParseCatalog(ctx, t.Objects, t.StackDefaults, name, o)
	if invalid, ok := errors.AsType[*catalog.InvalidError](err); ok {
		for _, p := range invalid.Problems {
			loaded.Problems = append(loaded.Problems, p.String())
		}
		if invalid.More > 0 {
			loaded.Problems = append(loaded.Problems, fmt.Sprintf("and %d more", invalid.More))
		}
		return loaded, err
	}
	if err != nil {
		return loaded, err
	}
	loaded.Rules = plan.Rules{
		Catalog: name, Prune: parsed.Prune, PruneLimitPercent: parsed.PruneLimitPercent,
		StopRunning: parsed.PruneRunning == catalog.Stop, Adopt: parsed.Adopt,
	}
	if request.PruneLimitPercent != nil {
		loaded.Rules.PruneLimitPercent = *request.PruneLimitPercent
	}
	loaded.BucketOwners = parsed.BucketOwners
	for _, w := range parsed.Warnings {
		loaded.Warnings = append(loaded.Warnings, w.String())
	}
	if key := cmp.Or(request.Blueprint, parsed.Blueprint); key != "" {
		if err := t.useBlueprint(ctx, key, parsed, &loaded); err != nil {
			return loaded, err
		}
	}
	loaded.Tables = parsed.Tables
	return loaded, nil
}

func addCatalog(s *reconcile.State, c reconcile.LoadedCatalog) {
	s.Catalogs = append(s.Catalogs, c.Name)
	s.Tables += len(c.Tables)
	if c.Blueprint != nil && !slices.ContainsFunc(s.Blueprints, func(b plan.Blueprint) bool { return b.Key == c.Blueprint.Key }) {
		s.Blueprints = append(s.Blueprints, *c.Blueprint)
	}
}

// acquireAll takes the catalogs in the order of their keys, so that no two executions wait for each other.
func (t *Task) acquireAll(ctx context.Context, in reconcile.LoadCatalogInput, objects []reconcile.Object, state *reconcile.State) (waiting bool, err error) {
	me := reconcile.Lock{Holder: reconcile.Holder{Execution: in.Execution, ExecutionARN: in.ExecutionARN, Since: t.Now().UTC()}}
	for _, o := range objects {
		name := reconcile.CatalogName(o.Key)
		observed, err := reconcile.Locks{Objects: t.Objects}.Acquire(ctx, name, me, t.Executions.Running)
		if err != nil {
			return false, err
		}
		if observed.ExecutionARN == me.ExecutionARN {
			if observed.TakenOver {
				t.Log.Warn("an earlier execution did not finish the catalog", "catalog", name)
				state.TakenOver = true
			}
			continue
		}
		waited := time.Duration(in.Input.Waited) * time.Second
		if waited >= timing.LockLimit {
			return false, &reconcile.LockedError{Catalog: name, Holder: observed.Holder, Waited: waited}
		}
		t.Log.Info("waiting for another execution", "catalog", name, "holder", observed.Execution, "waited", waited)
		state.Locked = &reconcile.Locked{Catalog: name, Holder: observed.Holder}
		wait := timing.LockPoll
		if waited == 0 {
			wait = timing.LockPollFirst
		}
		state.Status, state.WaitSeconds = reconcile.Wait, int(wait/time.Second)
		state.Waited += state.WaitSeconds
		return true, nil
	}
	return false, nil
}
