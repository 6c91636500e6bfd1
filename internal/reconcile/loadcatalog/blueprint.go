package loadcatalog

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
	"github.com/landfall/landfall/internal/reconcile"
)

// Limits of Glue for a blueprint ZIP.
const (
	maxBlueprintZIP  = 1 << 20
	maxBlueprintFile = 5 << 20
)

// requiredParameters are those that Landfall cannot do without: the name under
// which an update is staged, the owner by which an unfinished workflow is
// recognised, and the schedule that staging switches off.
var requiredParameters = []string{"WorkflowName", "Owner", "JobScheduleType", "ScheduleCronPattern"}

// customBlueprint is a custom blueprint as its ZIP describes it.
type customBlueprint struct {
	plan.Blueprint
	// needs are the parameters without a default.
	needs []string
}

// readBlueprint reads a custom blueprint. The error is one for the user, unless it is S3's.
func (t *Task) readBlueprint(ctx context.Context, key string) (customBlueprint, error) {
	b := customBlueprint{Blueprint: plan.Blueprint{Key: key, Name: t.BlueprintName + "-" + strings.TrimSuffix(path.Base(key), ".zip")}}
	data, err := t.Objects.Get(ctx, key)
	if errors.Is(err, reconcile.ErrNotFound) {
		return b, problem("there is no object %s in the artifacts bucket; upload the blueprint's ZIP", key)
	}
	if err != nil {
		return b, err
	}
	sum := sha256.Sum256(data)
	b.Version = hex.EncodeToString(sum[:])
	if len(data) > maxBlueprintZIP {
		return b, problem("the ZIP %s has %d KiB; Glue takes 1,024", key, len(data)>>10)
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
	for _, name := range requiredParameters {
		if _, ok := spec[name]; !ok {
			missing = append(missing, name)
		}
	}
	if len(missing) > 0 {
		return b, problem("blueprint.cfg in %s does not declare %s; Landfall needs these parameters, each of type String", key, strings.Join(missing, ", "))
	}
	return b, nil
}

// blueprintProblem is what is wrong with a custom blueprint, for the user.
type blueprintProblem struct{ message string }

func (e *blueprintProblem) Error() string { return e.message }

func problem(format string, args ...any) error {
	return &blueprintProblem{fmt.Sprintf(format, args...)}
}

type parameter struct {
	Type         string `json:"type"`
	DefaultValue any    `json:"defaultValue"`
}

// parameterSpec reads blueprint.cfg, at the root of the ZIP or in a folder of the ZIP's name.
func parameterSpec(key string, data []byte) (map[string]parameter, error) {
	archive, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		return nil, problem("%s is not a ZIP: %v", key, err)
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
			return nil, problem("%s in %s is not JSON: %v", name, key, err)
		}
		return config.ParameterSpec, nil
	}
	return nil, problem("%s has no blueprint.cfg, neither at its root nor in a folder %s", key, folder)
}

// check returns what the tables' parameters lack for the blueprint, or have too much.
func (b customBlueprint) check(tables []catalog.Table) []string {
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

// useBlueprint checks a custom blueprint and that the tables give it what it needs.
func (t *Task) useBlueprint(ctx context.Context, key string, parsed *catalog.Catalog, loaded *reconcile.LoadedCatalog) error {
	b, err := t.readBlueprint(ctx, key)
	problems := b.check(parsed.Tables)
	if unusable, ok := errors.AsType[*blueprintProblem](err); ok {
		problems = []string{"Blueprint: " + unusable.message}
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
