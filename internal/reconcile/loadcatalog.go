package reconcile

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/landfall/landfall/internal/catalog"
	"github.com/landfall/landfall/internal/plan"
)

// LoadCatalogInput is the execution and its input as the user gave it.
type LoadCatalogInput struct {
	Execution    string  `json:"execution"`
	ExecutionARN string  `json:"executionArn"`
	Input        Request `json:"input"`
}

// Request is an execution's input.
type Request struct {
	// Catalog is a key such as catalogs/hr.json; empty means all catalogs.
	Catalog string `json:"catalog"`
	DryRun  bool   `json:"dryRun"`
	// Version is the S3 version whose upload started the execution. What is loaded is the current one.
	Version string `json:"version,omitempty"`
	// Draft is the key of a draft that a dry run reads in the place of the catalog.
	Draft string `json:"draft,omitempty"`
	// Blueprint is the key of a blueprint ZIP to use instead of what the catalogs say.
	Blueprint string `json:"blueprint,omitempty"`
	// PruneLimitPercent replaces the catalogs' own for this execution.
	PruneLimitPercent *int `json:"pruneLimitPercent,omitempty"`
	// Waited is how many seconds the execution has waited for another one; the state machine hands it back.
	Waited int `json:"waited"`
}

// State is what the state machine carries from one Task to the next.
type State struct {
	Request
	Execution string `json:"execution"`
	// Status is "wait" while another execution works on a catalog, for WaitSeconds.
	Status      string `json:"status"`
	WaitSeconds int    `json:"waitSeconds"`
	// Locked is what is waited for; absent when nothing is.
	Locked *Locked `json:"locked,omitempty"`
	// TakenOver tells that an execution before this one did not get one of the
	// catalogs in step: it was cut off, or it failed.
	TakenOver bool     `json:"takenOver,omitempty"`
	Catalogs  []string `json:"catalogs"`
	Tables    int      `json:"tables"`
	// Blueprints are the users' own that the catalogs name.
	Blueprints   []plan.Blueprint `json:"blueprints"`
	Registration BlueprintState   `json:"registration"`
	Error        *TaskError       `json:"error,omitempty"`
}

// TaskError is a failed Task as Step Functions describes it.
type TaskError struct {
	Error string `json:"Error"`
	Cause string `json:"Cause"`
}

// desiredFile is desired.json: the catalogs of one execution after validation.
type desiredFile struct {
	Catalogs []loadedCatalog `json:"catalogs"`
	// Claims are what the other catalogs in the bucket claim.
	Claims []plan.Claim `json:"claims"`
}

type loadedCatalog struct {
	Name         string          `json:"name"`
	Key          string          `json:"key"`
	Rules        plan.Rules      `json:"rules"`
	BucketOwners []string        `json:"bucketOwners,omitempty"`
	Blueprint    *plan.Blueprint `json:"blueprint,omitempty"`
	// Declares are the parameters of the blueprint.
	Declares []string        `json:"declares,omitempty"`
	Tables   []catalog.Table `json:"tables"`
	Warnings []string        `json:"warnings,omitempty"`
	// Problems is why the catalog was refused; its tables are then absent and nothing of it is touched.
	Problems []string `json:"problems,omitempty"`
}

// LoadSettings is what the deployed stack says about catalogs.
type LoadSettings struct {
	catalog.Deployment
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
	var file desiredFile
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
	if err := r.putJSON(ctx, desiredKey(in.Execution), file); err != nil {
		return State{}, err
	}
	r.Log.Info("catalogs loaded", "catalogs", len(state.Catalogs), "tables", state.Tables, "invalid", len(invalid))
	if len(state.Catalogs) == 0 {
		return State{}, errors.Join(invalid...)
	}
	return state, nil
}

func checkRequest(in Request) error {
	if p := in.PruneLimitPercent; p != nil && (*p < 0 || *p > 100) {
		return invalidCatalog(in.Catalog, fmt.Sprintf("the execution's input has pruneLimitPercent %d; want 0 to 100", *p), "")
	}
	if in.Blueprint != "" {
		if err := catalog.CheckBlueprint(in.Blueprint); err != nil {
			return invalidCatalog(in.Catalog, "the execution's input: "+err.Error(), "")
		}
	}
	return nil
}

func (s *State) add(c loadedCatalog) {
	s.Catalogs = append(s.Catalogs, c.Name)
	s.Tables += len(c.Tables)
	if c.Blueprint != nil && !slices.ContainsFunc(s.Blueprints, func(b plan.Blueprint) bool { return b.Key == c.Blueprint.Key }) {
		s.Blueprints = append(s.Blueprints, *c.Blueprint)
	}
}

// claims are what the catalogs beside those of this execution claim. One that is invalid claims nothing.
func (r *Reconciler) claims(ctx context.Context, s LoadSettings, mine []Object) ([]plan.Claim, error) {
	all, err := r.listCatalogs(ctx, "catalogs/")
	if err != nil {
		return nil, err
	}
	claims := []plan.Claim{}
	for _, o := range all {
		if slices.ContainsFunc(mine, func(m Object) bool { return m.Key == o.Key }) {
			continue
		}
		name := catalogName(o.Key)
		parsed, err := r.parse(ctx, s.Deployment, name, o)
		if _, invalid := errors.AsType[*catalog.InvalidError](err); invalid || errors.Is(err, ErrNotFound) {
			continue
		}
		if err != nil {
			return nil, err
		}
		for _, t := range parsed.Tables {
			claims = append(claims, plan.Claim{Catalog: name, Workflow: t.WorkflowName, Place: plan.Place(t)})
		}
	}
	return claims, nil
}

func catalogName(key string) string { return strings.TrimSuffix(path.Base(key), ".json") }

func (r *Reconciler) loadOne(ctx context.Context, s LoadSettings, request Request, o Object) (loadedCatalog, error) {
	name := catalogName(o.Key)
	loaded := loadedCatalog{Name: name, Key: o.Key}
	parsed, err := r.parse(ctx, s.Deployment, name, o)
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

func (r *Reconciler) parse(ctx context.Context, d catalog.Deployment, name string, o Object) (*catalog.Catalog, error) {
	if o.Size > catalog.MaxBytes {
		// Not read: a Lambda's memory is not the place to find out.
		return nil, invalidCatalog(name, fmt.Sprintf("the file has %d MiB; a catalog may have %d MiB", o.Size>>20, catalog.MaxBytes>>20), "split it into several catalogs")
	}
	data, err := r.readCatalog(ctx, o)
	if err != nil {
		return nil, err
	}
	return catalog.Parse(name, data, d)
}

// catalogObjects finds what the execution is about. A missing catalog is an
// error of type CatalogInvalid.
func (r *Reconciler) catalogObjects(ctx context.Context, key string) ([]Object, error) {
	prefix := "catalogs/"
	if key != "" {
		if !strings.HasPrefix(key, prefix) || !strings.HasSuffix(key, ".json") || strings.Contains(strings.TrimPrefix(key, prefix), "/") {
			return nil, invalidCatalog(key, "the key of a catalog has the form catalogs/<name>.json", `start the state machine with {"catalog": "catalogs/hr.json"}, or with {} for all catalogs`)
		}
		prefix = key
	}
	objects, err := r.listCatalogs(ctx, prefix)
	if err != nil {
		return nil, err
	}
	if key != "" {
		objects = slices.DeleteFunc(objects, func(o Object) bool { return o.Key != key })
	}
	if len(objects) > 0 {
		return objects, nil
	}
	if key != "" {
		return nil, invalidCatalog(catalogName(key), "there is no object "+key+" in the artifacts bucket", "upload the catalog first")
	}
	return nil, invalidCatalog("catalogs/", "there is no catalog in the artifacts bucket", "upload one to catalogs/<name>.json")
}

// listCatalogs finds the catalogs whose keys begin with the prefix, drafts excepted.
func (r *Reconciler) listCatalogs(ctx context.Context, prefix string) ([]Object, error) {
	listed, err := r.Objects.List(ctx, prefix)
	return slices.DeleteFunc(listed, func(o Object) bool {
		name := strings.TrimPrefix(o.Key, "catalogs/")
		return !strings.HasSuffix(name, ".json") || strings.Contains(name, "/")
	}), err
}

func invalidCatalog(name, message, hint string) error {
	return &catalog.InvalidError{Name: name, Problems: []catalog.Problem{{Message: message, Hint: hint}}}
}
