package reconcile

import (
	"context"
	"errors"
	"fmt"
	"path"
	"strings"

	"github.com/landfall/landfall/internal/catalog"
)

// LoadCatalogInput is the execution's name and its input as the user gave it.
type LoadCatalogInput struct {
	Execution string `json:"execution"`
	Input     struct {
		// Catalog is a key such as catalogs/hr.json; empty means all catalogs.
		Catalog string `json:"catalog"`
		DryRun  bool   `json:"dryRun"`
		// Draft is the key of a draft that a dry run reads in the place of the catalog.
		Draft string `json:"draft"`
	} `json:"input"`
}

// State is what the state machine carries from one Task to the next.
type State struct {
	Execution string         `json:"execution"`
	DryRun    bool           `json:"dryRun"`
	Catalogs  []string       `json:"catalogs"`
	Tables    int            `json:"tables"`
	Blueprint BlueprintState `json:"blueprint"`
	Error     *TaskError     `json:"error,omitempty"`
}

// TaskError is a failed Task as Step Functions describes it.
type TaskError struct {
	Error string `json:"Error"`
	Cause string `json:"Cause"`
}

// desiredFile is desired.json: the catalogs of one execution after validation.
type desiredFile struct {
	Catalogs []loadedCatalog `json:"catalogs"`
}

type loadedCatalog struct {
	Name     string          `json:"name"`
	Key      string          `json:"key"`
	Prune    bool            `json:"prune"`
	Tables   []catalog.Table `json:"tables"`
	Warnings []string        `json:"warnings,omitempty"`
	// Problems is why the catalog was refused; its tables are then absent and nothing of it is touched.
	Problems []string `json:"problems,omitempty"`
}

// LoadCatalog reads and checks the named catalog, or every catalog under
// catalogs/, and keeps the result for the next Tasks. It returns an error of
// type CatalogInvalid when no catalog is left to work on. With several
// catalogs an invalid one is left out, reported, and fails the execution in
// the end, without holding back the others.
func (r *Reconciler) LoadCatalog(ctx context.Context, d catalog.Deployment, in LoadCatalogInput) (State, error) {
	objects, err := r.requested(ctx, in.Input.Catalog, in.Input.Draft, in.Input.DryRun)
	if err != nil {
		return State{}, err
	}
	state := State{Execution: in.Execution, DryRun: in.Input.DryRun, Catalogs: []string{}}
	var file desiredFile
	var invalid []error
	for _, o := range objects {
		loaded, err := r.loadOne(ctx, d, o)
		if err != nil {
			if _, ok := errors.AsType[*catalog.InvalidError](err); !ok {
				return State{}, err
			}
			invalid = append(invalid, err)
		} else {
			state.Catalogs = append(state.Catalogs, loaded.Name)
			state.Tables += len(loaded.Tables)
		}
		file.Catalogs = append(file.Catalogs, loaded)
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

func (r *Reconciler) loadOne(ctx context.Context, d catalog.Deployment, o Object) (loadedCatalog, error) {
	name := strings.TrimSuffix(path.Base(o.Key), ".json")
	loaded := loadedCatalog{Name: name, Key: o.Key}
	parsed, err := r.parse(ctx, d, name, o)
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
	loaded.Prune, loaded.Tables = parsed.Prune, parsed.Tables
	for _, w := range parsed.Warnings {
		loaded.Warnings = append(loaded.Warnings, w.String())
	}
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
	listed, err := r.Objects.List(ctx, prefix)
	if err != nil {
		return nil, err
	}
	objects := listed[:0]
	for _, o := range listed {
		name := strings.TrimPrefix(o.Key, "catalogs/")
		if (key == "" || o.Key == key) && strings.HasSuffix(name, ".json") && !strings.Contains(name, "/") {
			objects = append(objects, o)
		}
	}
	if len(objects) > 0 {
		return objects, nil
	}
	if key != "" {
		return nil, invalidCatalog(strings.TrimSuffix(path.Base(key), ".json"), "there is no object "+key+" in the artifacts bucket", "upload the catalog first")
	}
	return nil, invalidCatalog("catalogs/", "there is no catalog in the artifacts bucket", "upload one to catalogs/<name>.json")
}

func invalidCatalog(name, message, hint string) error {
	return &catalog.InvalidError{Name: name, Problems: []catalog.Problem{{Message: message, Hint: hint}}}
}
