package reconcile

import (
	"archive/zip"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/landfall/landfall/internal/catalog"
	"github.com/landfall/landfall/internal/plan"
)

// Limits of Glue for a blueprint ZIP (glue.md §1.3).
const (
	maxBlueprintZIP  = 1 << 20
	maxBlueprintFile = 5 << 20
)

// neededParameters are those that Landfall cannot do without: the name under
// which an update is staged, the owner by which an unfinished workflow is known
// again, and the schedule that staging switches off.
var neededParameters = []string{"WorkflowName", "Owner", "JobScheduleType", "ScheduleCronPattern"}

// userBlueprint is a user's blueprint as its ZIP describes it.
type userBlueprint struct {
	plan.Blueprint
	// needs are the parameters without a default.
	needs []string
}

// readBlueprint reads a user's blueprint. The error is one for the user, unless it is S3's.
func (r *Reconciler) readBlueprint(ctx context.Context, prefix, key string) (userBlueprint, error) {
	b := userBlueprint{Blueprint: plan.Blueprint{Key: key, Name: prefix + "-" + strings.TrimSuffix(path.Base(key), ".zip")}}
	data, err := r.Objects.Get(ctx, key)
	if errors.Is(err, ErrNotFound) {
		return b, failTable("there is no object %s in the artifacts bucket; upload the blueprint's ZIP", key)
	}
	if err != nil {
		return b, err
	}
	sum := sha256.Sum256(data)
	b.Version = hex.EncodeToString(sum[:])
	if len(data) > maxBlueprintZIP {
		return b, failTable("the ZIP %s has %d KiB; Glue takes 1,024", key, len(data)>>10)
	}
	spec, err := parameterSpec(key, data)
	if err != nil {
		return b, err
	}
	b.Declares = slices.Sorted(maps.Keys(spec))
	for _, name := range b.Declares {
		if spec[name].DefaultValue == nil {
			b.needs = append(b.needs, name)
		}
	}
	var missing []string
	for _, name := range neededParameters {
		if _, ok := spec[name]; !ok {
			missing = append(missing, name)
		}
	}
	if len(missing) > 0 {
		return b, failTable("blueprint.cfg in %s does not declare %s; Landfall needs these parameters, each of type String", key, strings.Join(missing, ", "))
	}
	return b, nil
}

type parameter struct {
	Type         string `json:"type"`
	DefaultValue any    `json:"defaultValue"`
}

// parameterSpec reads blueprint.cfg, at the root of the ZIP or in a folder of the ZIP's name.
func parameterSpec(key string, data []byte) (map[string]parameter, error) {
	archive, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		return nil, failTable("%s is not a ZIP: %v", key, err)
	}
	folder := strings.TrimSuffix(path.Base(key), ".zip")
	for _, name := range []string{"blueprint.cfg", folder + "/blueprint.cfg"} {
		f, err := archive.Open(name)
		if err != nil {
			continue
		}
		defer f.Close()
		var config struct {
			ParameterSpec map[string]parameter `json:"parameterSpec"`
		}
		if err := json.NewDecoder(io.LimitReader(f, maxBlueprintFile)).Decode(&config); err != nil {
			return nil, failTable("%s in %s is not JSON: %v", name, key, err)
		}
		return config.ParameterSpec, nil
	}
	return nil, failTable("%s has no blueprint.cfg, neither at its root nor in a folder %s", key, folder)
}

// check says what the tables' parameters lack for the blueprint, or have too much.
func (b userBlueprint) check(tables []catalog.Table) []string {
	ours := catalog.ParameterNames()
	var problems []string
	for _, t := range tables {
		for _, name := range slices.Sorted(maps.Keys(t.BlueprintParameters)) {
			if !slices.Contains(b.Declares, name) {
				problems = append(problems, fmt.Sprintf("%s: BlueprintParameters.%s: the blueprint %s declares no such parameter", t.SourceTable, name, b.Key))
			}
		}
		for _, name := range b.needs {
			if _, given := t.BlueprintParameters[name]; !given && !slices.Contains(ours, name) {
				problems = append(problems, fmt.Sprintf("%s: BlueprintParameters.%s is missing; the blueprint %s has no default for it", t.SourceTable, name, b.Key))
			}
		}
	}
	return problems
}

// useBlueprint checks a user's blueprint and that the tables give it what it needs.
func (r *Reconciler) useBlueprint(ctx context.Context, s LoadSettings, key string, parsed *catalog.Catalog, loaded *LoadedCatalog) error {
	b, err := r.readBlueprint(ctx, s.BlueprintName, key)
	problems := b.check(parsed.Tables)
	if mine, ok := errors.AsType[*tableError](err); ok {
		problems = []string{"Blueprint: " + mine.message}
	} else if err != nil {
		return err
	}
	loaded.Blueprint, loaded.Declares, loaded.Problems = &b.Blueprint, b.Declares, problems
	if len(problems) == 0 {
		return nil
	}
	invalid := &catalog.InvalidError{Name: parsed.Name}
	for _, p := range problems {
		invalid.Problems = append(invalid.Problems, catalog.Problem{Message: p})
	}
	return invalid
}
