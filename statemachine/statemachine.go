// Package statemachine holds Landfall's deploying flow in Amazon States Language.
// The state machine says when; the functions under lambdas/ say what.
package statemachine

import (
	_ "embed"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// Definition is the state machine in JSONPath Amazon States Language. Its ${Placeholder} parts are function ARNs, the
// artifacts bucket and the topic. They are filled in at deployment (DefinitionSubstitutions).
//
//go:embed landing.asl.json
var Definition string

// Outside are the functions that are no Tasks, because events call them and not the state machine
// (docs/adr/0004-watchtables-runs-outside-the-state-machine.md).
var Outside = []string{"WatchTables"}

var (
	taskFunction = regexp.MustCompile(`\$\{(\w+)Function\}`)
	placeholder  = regexp.MustCompile(`\$\{(\w+)\}`)
)

// Tasks returns the names of the Tasks that call a function, in the order of the definition.
func Tasks() []string {
	var tasks []string
	for _, m := range taskFunction.FindAllStringSubmatch(Definition, -1) {
		if !slices.Contains(tasks, m[1]) {
			tasks = append(tasks, m[1])
		}
	}
	return tasks
}

// Functions returns the names of all functions: the Tasks and Outside.
func Functions() []string { return append(Tasks(), Outside...) }

// Folder returns the folder of lambdas/ that holds the function.
func Folder(function string) string { return strings.ToLower(function) }

// FunctionPlaceholder returns the placeholder of a Task's function, without its braces.
func FunctionPlaceholder(task string) string { return task + "Function" }

// Resolve returns the definition with its placeholders replaced by the values. A placeholder without a value is an error.
func Resolve(values map[string]string) (string, error) {
	var missing []string
	resolved := placeholder.ReplaceAllStringFunc(Definition, func(p string) string {
		name := p[2 : len(p)-1]
		value, ok := values[name]
		if !ok {
			missing = append(missing, name)
		}
		return value
	})
	if len(missing) > 0 {
		return "", fmt.Errorf("the definition's placeholders %s have no value", strings.Join(missing, ", "))
	}
	return resolved, nil
}
