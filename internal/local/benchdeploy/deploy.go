package benchdeploy

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strconv"

	"github.com/landfall/landfall/internal/bundle"
	"github.com/landfall/landfall/internal/keys"
	"github.com/landfall/landfall/internal/local/clock"
	"github.com/landfall/landfall/internal/local/functions"
	"github.com/landfall/landfall/internal/local/stepfunctions"
)

var (
	catalogKey = keys.Catalog("app")
	wheelKey   = keys.Wheels + "duckdb.whl"
)

// environment is what the stack gives its functions, with the template's references resolved.
func (w *world) environment(d *artifacts) map[string]map[string]string {
	known := map[string]string{
		"ARTIFACTS_BUCKET": artifactsBucket, "RAW_BUCKET": rawBucket, "JOB_ROLE_ARN": role + "job",
		"BLUEPRINT_NAME": "landfall", "BLUEPRINT_ROLE_ARN": role + "blueprint", "STACK_NAME": "Landfall",
		"PYTHON_MODULES": wheelKey, "LAYOUT_VERSION": "", "PUBLISH": "[]",
	}
	all := map[string]map[string]string{}
	for task, f := range d.spec {
		all[task] = map[string]string{"AWS_EXECUTION_ENV": executionEnvironment + task, clock.Variable: w.clock.String()}
		for name, value := range f.Environment.Variables {
			if v, ok := known[name]; ok {
				all[task][name] = v
			} else if text, ok := value.(string); ok {
				all[task][name] = text // the template's own, such as a number of seconds
			}
		}
	}
	w.setLimits(all["PlanWorkflows"])
	return all
}

// setLimits sets the concurrency, and scales the rate limit of Glue calls, as everything is faster here.
func (w *world) setLimits(variables map[string]string) {
	if w.config.Concurrency > 0 {
		variables["CONCURRENCY"] = strconv.Itoa(w.config.Concurrency)
	}
	calls, err := strconv.ParseFloat(variables["GLUE_CALLS_PER_SECOND"], 64)
	if w.config.CallsPerSecond > 0 {
		calls, err = w.config.CallsPerSecond, nil
	}
	if err == nil {
		variables["GLUE_CALLS_PER_SECOND"] = strconv.FormatFloat(calls*w.config.Factor, 'f', -1, 64)
	}
}

func (w *world) concurrency() int {
	n, _ := strconv.Atoi(w.source.environment["PlanWorkflows"]["CONCURRENCY"])
	return n
}

// release is what one cdk deploy brings: the layout and the job's code.
type release struct{ layout, job string }

// deploy publishes a release as CloudFormation would: assets first, then the functions' variables.
func (w *world) deploy(ctx context.Context, r release) error {
	files, err := bundle.Files(filepath.Join(w.config.Root, "blueprint"), bundle.BlueprintFiles)
	if err != nil {
		return err
	}
	files["layout.py"] = append(files["layout.py"], []byte("\n# "+r.layout+"\n")...)
	archive, err := bundle.ZIP(files, 0o644)
	if err != nil {
		return err
	}
	script, err := os.ReadFile(filepath.Join(w.config.Root, "blueprint", "land_table.py"))
	if err != nil {
		return err
	}
	script = append(script, []byte("\n# "+r.job+"\n")...)
	publish := []map[string]string{}
	for _, f := range []struct {
		to   string
		body []byte
	}{{keys.Blueprint, archive}, {keys.Script, script}, {keys.JobPackage, []byte("landing")}, {wheelKey, []byte("duckdb")}} {
		sum := sha256.Sum256(f.body)
		key := hex.EncodeToString(sum[:])
		if err := w.put(ctx, assetsBucket, key, f.body); err != nil {
			return err
		}
		publish = append(publish, map[string]string{"from": "s3://" + assetsBucket + "/" + key, "to": f.to})
	}
	list, err := json.Marshal(publish)
	if err != nil {
		return err
	}
	version := sha256.Sum256([]byte(r.layout))
	for _, variables := range w.source.environment {
		for name, value := range map[string]string{"PUBLISH": string(list), "LAYOUT_VERSION": hex.EncodeToString(version[:])} {
			if _, ok := variables[name]; ok {
				variables[name] = value
			}
		}
	}
	w.source.revision++
	return nil
}

// upload puts a catalog of n tables. changed is the entry that differs from before; negative for none.
func (w *world) upload(ctx context.Context, n, changed int) error {
	entries := make([]map[string]any, n)
	for i := range entries {
		entries[i] = map[string]any{"SourceTable": fmt.Sprintf("app.t%05d", i), "PrimaryKey": []string{"id"}, "Tags": map[string]string{"team": "data"}}
		if i == changed {
			entries[i]["NumberOfWorkers"] = 4
		}
	}
	body, err := json.Marshal(map[string]any{
		"Defaults":     map[string]any{"SecretName": "landfall/app", "JobScheduleType": "Cron", "ScheduleCronPattern": "10 21 * * ? *"},
		"WorkflowList": entries,
	})
	if err != nil {
		return err
	}
	return w.put(ctx, artifactsBucket, catalogKey, body)
}

// Invoke implements stepfunctions.Services.
func (w *world) Invoke(ctx context.Context, name string, payload []byte) ([]byte, error) {
	f, err := w.source.Function(ctx, region, name)
	if err != nil {
		return nil, err
	}
	result, err := w.functions.Invoke(ctx, f, payload)
	if err != nil {
		return nil, err
	}
	if result.FunctionError == "" {
		return result.Payload, nil
	}
	var cause struct {
		ErrorType string `json:"errorType"`
	}
	_ = json.Unmarshal(result.Payload, &cause)
	return nil, &stepfunctions.Failure{Name: cause.ErrorType, Cause: string(result.Payload)}
}

// Publish implements stepfunctions.Services.
func (w *world) Publish(context.Context, any) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.s3Calls["SNS"]++
	return nil
}

// Object implements stepfunctions.Services: the state machine itself reads the changes.
func (w *world) Object(ctx context.Context, bucket, key string) ([]byte, error) {
	w.mu.Lock()
	w.s3Calls["GET"]++
	// What a Distributed Map writes with a ResultWriter: a manifest and a file of results.
	w.s3Calls["PUT"] += 2
	w.mu.Unlock()
	return w.object(ctx, bucket, key)
}

// reading is every counter at one moment.
type reading struct {
	glue, s3  map[string]int
	calls     map[string]map[string]int
	functions map[string]functions.Stats
}

func (w *world) read() reading {
	r := reading{glue: w.glue.Calls(), functions: map[string]functions.Stats{}, calls: map[string]map[string]int{}}
	for _, s := range w.functions.Stats() {
		r.functions[s.Name] = s
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	r.s3 = maps.Clone(w.s3Calls)
	for name, c := range w.calls {
		r.calls[name] = maps.Clone(c)
	}
	return r
}
