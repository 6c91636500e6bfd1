// Package registerblueprint is the RegisterBlueprint Task: it publishes the job code
// and makes Glue register the blueprints of an execution.
package registerblueprint

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/landfall/landfall/internal/plan"
	"github.com/landfall/landfall/internal/reconcile"
	"github.com/landfall/landfall/internal/reconcile/timing"
)

// Publication is one object that RegisterBlueprint copies into the artifacts bucket.
type Publication struct {
	From string `json:"from"`
	To   string `json:"to"`
}

// Blueprints is the part of Glue that registers blueprints.
type Blueprints interface {
	// GetBlueprint returns ErrNotFound when there is none.
	GetBlueprint(ctx context.Context, name string) (reconcile.Blueprint, error)
	CreateBlueprint(ctx context.Context, b reconcile.Blueprint) error
	// UpdateBlueprint returns ErrBusy while the blueprint is being registered.
	UpdateBlueprint(ctx context.Context, b reconcile.Blueprint) error
	// RecentBlueprintRuns returns every run that was started since, and maybe older ones.
	RecentBlueprintRuns(ctx context.Context, name string, since time.Time) ([]reconcile.BlueprintRun, error)
}

// Objects is the artifacts bucket.
type Objects interface {
	// CopyIfChanged makes key a copy of the object at the URI from, unless it is one already.
	CopyIfChanged(ctx context.Context, from, key string) error
}

// Task is the RegisterBlueprint Task. All fields are required.
type Task struct {
	Objects    Objects
	Blueprints Blueprints
	// Bucket is the name of the artifacts bucket.
	Bucket string
	// Blueprint is the one that comes with the stack.
	Blueprint plan.Blueprint
	Publish   []Publication
	Now       func() time.Time
	Log       *slog.Logger
}

// RegisterBlueprint publishes the job code, which is live for every table at
// once, and registers the blueprints of this execution: the shipped one and those
// that catalogs name. After an execution that did not finish its catalog it then
// waits for the blueprint runs that one left behind: the plan would miss what they
// make. It returns an error of type BlueprintFailed, with Glue's own message, when
// Glue refuses.
func (t *Task) RegisterBlueprint(ctx context.Context, in reconcile.State) (reconcile.BlueprintState, error) {
	state := in.Registration
	if state.Waited == 0 {
		group, ctx := errgroup.WithContext(ctx)
		for _, p := range t.Publish {
			group.Go(func() error { return t.Objects.CopyIfChanged(ctx, p.From, p.To) })
		}
		if err := group.Wait(); err != nil {
			return state, err
		}
	}
	active := true
	for _, b := range append([]plan.Blueprint{t.Blueprint}, in.Blueprints...) {
		ready, err := t.register(ctx, b, &state)
		if err == nil && ready && in.TakenOver {
			ready, err = t.runsEnded(ctx, b, in, state)
		}
		if err != nil {
			return state, err
		}
		active = active && ready
	}
	if active {
		state.Status, state.WaitSeconds = reconcile.Done, 0
		return state, nil
	}
	state.Status, state.WaitSeconds = reconcile.Registering, int(timing.RegistrationPoll/time.Second)
	if in.TakenOver {
		state.Status = reconcile.Wait
	}
	if waited(state) >= timing.RegistrationExpected {
		state.WaitSeconds = int(timing.RegistrationPollSlow / time.Second)
	}
	state.Waited += state.WaitSeconds
	return state, nil
}

func waited(s reconcile.BlueprintState) time.Duration { return time.Duration(s.Waited) * time.Second }

// register does the next step of registering one blueprint and reports whether it
// is active. The version is kept in the description: Glue has no content hash.
func (t *Task) register(ctx context.Context, b plan.Blueprint, state *reconcile.BlueprintState) (bool, error) {
	want := reconcile.Blueprint{Name: b.Name, Location: "s3://" + t.Bucket + "/" + b.Key, Description: "Landfall layout " + b.Version}
	observed, err := t.Blueprints.GetBlueprint(ctx, b.Name)
	requested := slices.Contains(state.Requested, b.Name)
	switch {
	case errors.Is(err, reconcile.ErrNotFound):
		err = t.Blueprints.CreateBlueprint(ctx, want)
	case err != nil:
		return false, err
	case observed.Status == "ACTIVE" && observed.Description == want.Description:
		return true, nil
	case observed.Status == "FAILED" && requested:
		return false, &reconcile.BlueprintError{Name: b.Name, Message: observed.Error}
	case waited(*state) > timing.RegistrationLimit:
		return false, &reconcile.BlueprintError{Name: b.Name, Message: fmt.Sprintf("Glue has not finished after %s. Look at the blueprint in the Glue console and start the state machine again", timing.RegistrationLimit)}
	case observed.Status == "CREATING" || observed.Status == "UPDATING":
		return false, nil
	default:
		// Another layout, or an earlier registration that failed for a reason that may be gone.
		err = t.Blueprints.UpdateBlueprint(ctx, want)
	}
	switch {
	case errors.Is(err, reconcile.ErrBusy), errors.Is(err, reconcile.ErrAlreadyExists):
		// Someone else registers at the same moment: nothing to fail for.
	case errors.Is(err, reconcile.ErrRefused):
		return false, &reconcile.BlueprintError{Name: b.Name, Message: err.Error()}
	case err != nil:
		return false, err
	case !requested:
		state.Requested = append(state.Requested, b.Name)
	}
	return false, nil
}

// runsEnded reports whether no blueprint run for a catalog of this execution goes
// on. The execution has the catalogs' locks, so any such run is of an execution
// that was cut off, or failed. A hung run is not waited for. Reading a history takes
// more calls the longer it is, so it is read only after such an execution: one that
// finished its catalog has waited for every run that it started.
func (t *Task) runsEnded(ctx context.Context, b plan.Blueprint, in reconcile.State, state reconcile.BlueprintState) (bool, error) {
	since := t.Now().Add(-timing.RunHangs)
	if waited(state) > timing.RunHangs {
		return true, nil
	}
	runs, err := t.Blueprints.RecentBlueprintRuns(ctx, b.Name, since)
	if err != nil {
		return false, err
	}
	for _, run := range runs {
		if run.State != "RUNNING" && run.State != "ROLLING_BACK" || run.StartedAt.Before(since) {
			continue
		}
		if slices.ContainsFunc(in.Catalogs, func(c string) bool { return plan.Owner(t.Bucket, c) == run.Owner() }) {
			t.Log.Info("waiting for a blueprint run of an earlier execution", "blueprint", b.Name, "blueprint_run", run.ID)
			return false, nil
		}
	}
	return true, nil
}
