package statemachine_test

import (
	"cmp"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/landfall/landfall/internal/keys"
	"github.com/landfall/landfall/internal/reconcile"
	"github.com/landfall/landfall/statemachine"
)

// state is the part of an Amazon States Language state that the contract tests read.
type state struct {
	Type       string
	Comment    string
	Resource   string
	Parameters struct{ FunctionName string }
	Retry      []struct{ ErrorEquals []string }
	Catch      []struct {
		ErrorEquals []string
		Next        string
	}
	Next, Default string
	ItemProcessor struct{ States map[string]state }
}

// invokes reports whether the state is a Task of ours. Other Tasks call an AWS service directly.
func (s state) invokes() bool {
	return s.Type == "Task" && s.Resource == "arn:aws:states:::lambda:invoke"
}

func states(t *testing.T) map[string]state {
	t.Helper()
	var machine struct{ States map[string]state }
	if err := json.Unmarshal([]byte(statemachine.Definition), &machine); err != nil {
		t.Fatal(err)
	}
	for name, s := range machine.States["ApplyChanges"].ItemProcessor.States {
		machine.States[name] = s
	}
	return machine.States
}

func TestEveryFunctionIsAFolderOfLambdas(t *testing.T) {
	var tasks []string
	for name, s := range states(t) {
		if !s.invokes() {
			continue
		}
		tasks = append(tasks, name)
		if want := "${" + statemachine.FunctionPlaceholder(name) + "}"; s.Parameters.FunctionName != want {
			t.Errorf("Task %s calls %s, want %s", name, s.Parameters.FunctionName, want)
		}
	}
	slices.Sort(tasks)
	if got := slices.Sorted(slices.Values(statemachine.Tasks())); !slices.Equal(got, tasks) {
		t.Errorf("Tasks() = %v, the definition has %v", got, tasks)
	}
	entries, err := os.ReadDir("../lambdas")
	if err != nil {
		t.Fatal(err)
	}
	var want, got []string
	for _, name := range statemachine.Functions() {
		want = append(want, statemachine.Folder(name))
	}
	for _, e := range entries {
		got = append(got, e.Name())
	}
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("lambdas/ holds %v, the functions are %v", got, want)
	}
}

func TestResolveNamesThePlaceholdersWithoutAValue(t *testing.T) {
	values := map[string]string{"ArtifactsBucket": "bucket", "TopicArn": "topic"}
	for _, task := range statemachine.Tasks() {
		values[statemachine.FunctionPlaceholder(task)] = "arn:" + task
	}
	resolved, err := statemachine.Resolve(values)
	if err != nil || strings.Contains(resolved, "${") || !strings.Contains(resolved, `"arn:ApplyChange"`) {
		t.Errorf("%v\n%s", err, resolved)
	}
	delete(values, "TopicArn")
	if _, err := statemachine.Resolve(values); err == nil || !strings.Contains(err.Error(), "TopicArn") {
		t.Errorf("%v, want TopicArn named", err)
	}
}

// The definition cannot import the keys, which the machine's role allows.
func TestTheMapsResultsAreUnderTheirKey(t *testing.T) {
	if want := `"Prefix": "` + strings.TrimSuffix(keys.MapRuns, "/") + `"`; !strings.Contains(statemachine.Definition, want) {
		t.Errorf("the definition lacks %s", want)
	}
}

// Step Functions' own names; everything else in an ErrorEquals must be a type that our code declares.
var serviceErrors = regexp.MustCompile(`^(States|Lambda|Sandbox|Runtime)\.`)

func TestEveryErrorEqualsIsDeclared(t *testing.T) {
	declared := []string{reconcile.CatalogInvalid, reconcile.CatalogLocked, reconcile.BlueprintFailed, reconcile.Unavailable}
	for name, s := range states(t) {
		var used []string
		for _, r := range s.Retry {
			used = append(used, r.ErrorEquals...)
		}
		for _, c := range s.Catch {
			used = append(used, c.ErrorEquals...)
			if want := cmp.Or(map[string]string{"ApplyChange": "Cut off", "Notify": "All well?"}[name], "Report"); c.Next != want {
				t.Errorf("%s: a failure goes to %s, want %s: every failure ends in Report, one table's stops no other, and Report's own word stands", name, c.Next, want)
			}
		}
		for _, e := range used {
			if !serviceErrors.MatchString(e) && !slices.Contains(declared, e) {
				t.Errorf("%s: ErrorEquals %q is declared nowhere", name, e)
			}
		}
		if s.invokes() && (len(s.Retry) == 0 || !slices.Contains(s.Retry[0].ErrorEquals, reconcile.Unavailable)) {
			t.Errorf("%s: a Task must be retried when AWS is unavailable", name)
		}
	}
}

func TestEveryStateSaysWhatItIsFor(t *testing.T) {
	for name, s := range states(t) {
		if s.Comment == "" {
			t.Errorf("%s has no Comment", name)
		}
		if s.Type == "Choice" && (s.Default == "" || !strings.HasSuffix(name, "?")) {
			t.Errorf("Choice %q must be a question and have a Default", name)
		}
	}
}

// AWS's own language service and asl-validator find different mistakes, so both are asked.
func TestDefinitionPassesTheStaticChecks(t *testing.T) {
	root, err := filepath.Abs("..")
	if err != nil {
		t.Fatal(err)
	}
	node := filepath.Join(root, "build/venv/bin/node")
	if _, err := os.Stat(node); err != nil {
		t.Fatalf("%v: run make setup", err)
	}
	for name, command := range map[string][]string{
		"asl-validator":                  {filepath.Join(root, "build/node_modules/.bin/asl-validator"), "--json-path", "landing.asl.json"},
		"amazon-states-language-service": {filepath.Join(root, "tools/check-asl.cjs"), "landing.asl.json"},
	} {
		t.Run(name, func(t *testing.T) {
			cmd := exec.Command(node, command...)
			cmd.Env = append(os.Environ(), "NODE_PATH="+filepath.Join(root, "build/node_modules"))
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Errorf("%v\n%s", err, out)
			}
		})
	}
}
