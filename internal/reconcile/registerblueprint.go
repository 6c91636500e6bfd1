package reconcile

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// BlueprintKey is where RegisterBlueprint publishes the blueprint's ZIP, and
// registers it from. The ZIP has blueprint.cfg at its root, so its name means
// nothing to Glue.
const BlueprintKey = "blueprints/landfall.zip"

const (
	blueprintPoll  = 5 * time.Second
	blueprintLimit = 10 * time.Minute
)

// BlueprintState is RegisterBlueprint's answer; the state machine hands it back on the next turn of the loop.
type BlueprintState struct {
	Status      string `json:"status"`
	WaitSeconds int    `json:"waitSeconds"`
	// Requested tells that this execution has asked Glue to register the blueprint.
	Requested bool `json:"requested"`
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
	Bucket        string
	Name          string
	LayoutVersion string
	Publish       []Publication
}

// RegisterBlueprint publishes the job code, which is live for every table at
// once, and makes Glue hold the blueprint of this layout version. The version
// is kept in the blueprint's description: Glue has no content hash. It returns
// an error of type BlueprintFailed, with Glue's own message, when Glue refuses.
func (r *Reconciler) RegisterBlueprint(ctx context.Context, s BlueprintSettings, in State) (BlueprintState, error) {
	state := in.Blueprint
	if state.Waited == 0 {
		for _, p := range s.Publish {
			if err := r.Objects.Publish(ctx, p.From, p.To); err != nil {
				return state, err
			}
		}
	}
	if time.Duration(state.Waited)*time.Second > blueprintLimit {
		return state, &BlueprintError{Name: s.Name, Message: fmt.Sprintf("Glue has not finished after %s. Look at the blueprint in the Glue console and start the state machine again", blueprintLimit)}
	}
	want := Blueprint{
		Name:        s.Name,
		Location:    "s3://" + s.Bucket + "/" + BlueprintKey,
		Description: "Landfall layout " + s.LayoutVersion,
	}
	held, err := r.Blueprints.GetBlueprint(ctx, s.Name)
	switch {
	case errors.Is(err, ErrNotFound):
		err = r.Blueprints.CreateBlueprint(ctx, want)
		return waitForBlueprint(s.Name, state, true, err)
	case err != nil:
		return state, err
	case held.Status == "CREATING" || held.Status == "UPDATING":
		return waitForBlueprint(s.Name, state, state.Requested, nil)
	case held.Status == "ACTIVE" && held.Description == want.Description:
		state.Status, state.WaitSeconds = Done, 0
		return state, nil
	case held.Status == "FAILED" && state.Requested:
		return state, &BlueprintError{Name: s.Name, Message: held.Error}
	default:
		// Another layout, or an earlier registration that failed for a reason that may be gone.
		err = r.Blueprints.UpdateBlueprint(ctx, want)
		return waitForBlueprint(s.Name, state, true, err)
	}
}

// waitForBlueprint turns the answer of a registering call into another turn of
// the loop: someone else registering at the same moment is nothing to fail for.
func waitForBlueprint(name string, state BlueprintState, requested bool, err error) (BlueprintState, error) {
	switch {
	case errors.Is(err, ErrBusy), errors.Is(err, ErrAlreadyExists):
		requested = state.Requested
	case errors.Is(err, ErrRefused):
		return state, &BlueprintError{Name: name, Message: err.Error()}
	case err != nil:
		return state, err
	}
	seconds := int(blueprintPoll / time.Second)
	if state.Waited == 0 {
		seconds = 1
	}
	return BlueprintState{Status: Wait, WaitSeconds: seconds, Requested: requested, Waited: state.Waited + seconds}, nil
}
