package reconcile

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/landfall/landfall/internal/catalog"
	"github.com/landfall/landfall/internal/plan"
)

// BlueprintKey is where RegisterBlueprint publishes the blueprint's ZIP, and
// registers it from. The ZIP has blueprint.cfg at its root, so its name means
// nothing to Glue.
const BlueprintKey = catalog.ShippedBlueprint

const (
	blueprintPoll  = time.Second
	blueprintSlow  = 5 * time.Second
	blueprintUsual = 20 // seconds; what takes longer is looked at less often
	blueprintLimit = 10 * time.Minute
)

// Registering is the status of a blueprint that Glue is registering: plans can be made, and not be applied.
const Registering = "registering"

// BlueprintState is RegisterBlueprint's answer; the state machine hands it back on the next turn of the loop.
type BlueprintState struct {
	// Status is Done, Registering, or Wait while a blueprint run of an earlier execution may go on.
	Status      string `json:"status"`
	WaitSeconds int    `json:"waitSeconds"`
	// Requested are the blueprints that this execution has asked Glue to register.
	Requested []string `json:"requested"`
	// Waited is how many seconds this execution has waited already.
	Waited int `json:"waited"`
}

// Publication is one object that RegisterBlueprint copies into the artifacts bucket.
type Publication struct {
	From string `json:"from"`
	To   string `json:"to"`
}

// BlueprintSettings is what the deployed stack says about the blueprint.
type BlueprintSettings struct {
	Bucket    string
	Blueprint plan.Blueprint
	Publish   []Publication
}

// RegisterBlueprint publishes the job code, which is live for every table at
// once, and makes Glue hold the blueprints of this execution: the shipped one
// and those that catalogs name. After an execution that did not get its catalog
// in step it then waits for the blueprint runs that one left behind: what they
// make would be missed by the plan. It returns an error of type BlueprintFailed, with Glue's own message,
// when Glue refuses.
func (r *Reconciler) RegisterBlueprint(ctx context.Context, s BlueprintSettings, in State) (BlueprintState, error) {
	state := in.Registration
	if state.Waited == 0 {
		group, ctx := errgroup.WithContext(ctx)
		for _, p := range s.Publish {
			group.Go(func() error { return r.Objects.Publish(ctx, p.From, p.To) })
		}
		if err := group.Wait(); err != nil {
			return state, err
		}
	}
	active := true
	for _, b := range append([]plan.Blueprint{s.Blueprint}, in.Blueprints...) {
		ready, err := r.register(ctx, s.Bucket, b, &state)
		if err == nil && ready && in.TakenOver {
			ready, err = r.runsEnded(ctx, s.Bucket, b, in, state)
		}
		if err != nil {
			return state, err
		}
		active = active && ready
	}
	if active {
		state.Status, state.WaitSeconds = Done, 0
		return state, nil
	}
	state.Status, state.WaitSeconds = Registering, int(blueprintPoll/time.Second)
	if in.TakenOver {
		state.Status = Wait
	}
	if state.Waited >= blueprintUsual {
		state.WaitSeconds = int(blueprintSlow / time.Second)
	}
	state.Waited += state.WaitSeconds
	return state, nil
}

// register does the next step of registering one blueprint and tells whether it
// is active. The version is kept in the description: Glue has no content hash.
func (r *Reconciler) register(ctx context.Context, bucket string, b plan.Blueprint, state *BlueprintState) (bool, error) {
	want := Blueprint{Name: b.Name, Location: "s3://" + bucket + "/" + b.Key, Description: "Landfall layout " + b.Version}
	held, err := r.Blueprints.GetBlueprint(ctx, b.Name)
	requested := slices.Contains(state.Requested, b.Name)
	switch {
	case errors.Is(err, ErrNotFound):
		err = r.Blueprints.CreateBlueprint(ctx, want)
	case err != nil:
		return false, err
	case held.Status == "ACTIVE" && held.Description == want.Description:
		return true, nil
	case held.Status == "FAILED" && requested:
		return false, &BlueprintError{Name: b.Name, Message: held.Error}
	case time.Duration(state.Waited)*time.Second > blueprintLimit:
		return false, &BlueprintError{Name: b.Name, Message: fmt.Sprintf("Glue has not finished after %s. Look at the blueprint in the Glue console and start the state machine again", blueprintLimit)}
	case held.Status == "CREATING" || held.Status == "UPDATING":
		return false, nil
	default:
		// Another layout, or an earlier registration that failed for a reason that may be gone.
		err = r.Blueprints.UpdateBlueprint(ctx, want)
	}
	switch {
	case errors.Is(err, ErrBusy), errors.Is(err, ErrAlreadyExists):
		// Someone else registers at the same moment: nothing to fail for.
	case errors.Is(err, ErrRefused):
		return false, &BlueprintError{Name: b.Name, Message: err.Error()}
	case err != nil:
		return false, err
	case !requested:
		state.Requested = append(state.Requested, b.Name)
	}
	return false, nil
}

// runsEnded tells whether no blueprint run for a catalog of this execution goes
// on. The execution holds the catalogs, so any such run is of one that was cut
// off, or failed. One that has hung is not waited for. Reading a history takes
// more calls the longer it is, so it is asked only after such an execution: one
// that got its catalog in step has waited for every run that it started.
func (r *Reconciler) runsEnded(ctx context.Context, bucket string, b plan.Blueprint, in State, state BlueprintState) (bool, error) {
	since := r.Now().Add(-hungRun)
	if time.Duration(state.Waited)*time.Second > hungRun {
		return true, nil
	}
	runs, err := r.Blueprints.RecentBlueprintRuns(ctx, b.Name, since)
	if err != nil {
		return false, err
	}
	for _, run := range runs {
		if run.State != "RUNNING" && run.State != "ROLLING_BACK" || run.StartedAt.Before(since) {
			continue
		}
		if slices.ContainsFunc(in.Catalogs, func(c string) bool { return plan.Owner(bucket, c) == run.owner() }) {
			r.Log.Info("waiting for a blueprint run of an earlier execution", "blueprint", b.Name, "blueprint_run", run.ID)
			return false, nil
		}
	}
	return true, nil
}

// owner is the Owner that the run was given.
func (b BlueprintRun) owner() string {
	var parameters struct{ Owner string }
	_ = json.Unmarshal([]byte(b.Parameters), &parameters)
	return parameters.Owner
}
