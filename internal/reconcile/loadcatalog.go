package reconcile

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/landfall/landfall/internal/catalog"
	"github.com/landfall/landfall/internal/keys"
	"github.com/landfall/landfall/internal/plan"
)

// LoadSettings is what the deployed stack says about catalogs.
type LoadSettings struct {
	catalog.StackDefaults
	// BlueprintName begins the names of users' blueprints in Glue.
	BlueprintName string
}

// LoadCatalog takes the named catalog, or every catalog under catalogs/, for
// this execution, reads and checks it, and keeps the result for the next Tasks.
// While another execution has one of them the answer is "wait". It returns an
// error of type CatalogInvalid when no catalog is left to work on. With several
// catalogs an invalid one is left out, reported, and fails the execution in
// the end, without holding back the others.
func (r *Reconciler) LoadCatalog(ctx context.Context, s LoadSettings, in LoadCatalogInput) (State, error) {
	state := State{Request: in.Input, Execution: in.Execution, Status: Done, Catalogs: []string{}, Blueprints: []plan.Blueprint{}}
	if err := checkRequest(in.Input); err != nil {
		return State{}, err
	}
	objects, err := r.requested(ctx, in.Input)
	if err != nil {
		return State{}, err
	}
	if !in.Input.DryRun {
		if waiting, err := r.acquireAll(ctx, in, objects, &state); err != nil || waiting {
			return state, err
		}
	}
	var file DesiredFile
	var invalid []error
	for _, o := range objects {
		loaded, err := r.loadOne(ctx, s, in.Input, o)
		if err != nil {
			if _, ok := errors.AsType[*catalog.InvalidError](err); !ok {
				return State{}, err
			}
			invalid = append(invalid, err)
		} else {
			state.add(loaded)
		}
		file.Catalogs = append(file.Catalogs, loaded)
	}
	if file.Claims, err = r.claims(ctx, s, objects); err != nil {
		return State{}, err
	}
	if err := r.putJSON(ctx, DesiredKey(in.Execution), file); err != nil {
		return State{}, err
	}
	r.Log.Info("catalogs loaded", "catalogs", len(state.Catalogs), "tables", state.Tables, "invalid", len(invalid))
	if len(state.Catalogs) == 0 {
		return State{}, errors.Join(invalid...)
	}
	return state, nil
}

// claims are what the catalogs beside those of this execution claim. One that is invalid claims nothing.
func (r *Reconciler) claims(ctx context.Context, s LoadSettings, mine []Object) ([]plan.Claim, error) {
	all, err := ListCatalogs(ctx, r.Objects, keys.Catalogs)
	if err != nil {
		return nil, err
	}
	claims := []plan.Claim{}
	for _, o := range all {
		if slices.ContainsFunc(mine, func(m Object) bool { return m.Key == o.Key }) {
			continue
		}
		name := CatalogName(o.Key)
		parsed, err := ParseCatalog(ctx, r.Objects, s.StackDefaults, name, o)
		if _, invalid := errors.AsType[*catalog.InvalidError](err); invalid || errors.Is(err, ErrNotFound) {
			continue
		}
		if err != nil {
			return nil, err
		}
		for _, t := range parsed.Tables {
			claims = append(claims, plan.Claim{Catalog: name, Workflow: t.WorkflowName, Place: plan.ClaimKey(t)})
		}
	}
	return claims, nil
}

func (r *Reconciler) loadOne(ctx context.Context, s LoadSettings, request Request, o Object) (LoadedCatalog, error) {
	name := CatalogName(o.Key)
	loaded := LoadedCatalog{Name: name, Key: o.Key}
	parsed, err := ParseCatalog(ctx, r.Objects, s.StackDefaults, name, o)
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
		if err := r.useBlueprint(ctx, s, key, parsed, &loaded); err != nil {
			return loaded, err
		}
	}
	loaded.Tables = parsed.Tables
	return loaded, nil
}
