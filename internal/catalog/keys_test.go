package catalog_test

import (
	"encoding/json"
	"maps"
	"reflect"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/landfall/landfall/internal/catalog"
)

func TestEveryKeyHasAField(t *testing.T) {
	var want, got []string
	for _, k := range catalog.EntryKeys() {
		want = append(want, k.Name)
		if k.Help == "" {
			t.Errorf("%s has no help", k.Name)
		}
	}
	for field := range reflect.TypeFor[catalog.Table]().Fields() {
		got = append(got, field.Name)
	}
	slices.Sort(want)
	slices.Sort(got)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("keys and fields of Table differ (-keys +fields):\n%s", diff)
	}
}

// TestDefaultsAreThoseDeclared: a table of which the catalog says nothing has the declared defaults, and nothing else.
func TestDefaultsAreThoseDeclared(t *testing.T) {
	c := accepted(t, `{"WorkflowList": [{"SourceTable": "hr.a", "SecretName": "s", "WorkflowName": "w"}]}`, catalog.StackDefaults{})
	got := reflect.ValueOf(c.Tables[0])
	for _, k := range catalog.EntryKeys() {
		if k.Required || k.Name == "WorkflowName" {
			continue
		}
		want := k.Default
		value := got.FieldByName(k.Name)
		if want == nil {
			want = reflect.Zero(value.Type()).Interface()
		}
		if diff := cmp.Diff(want, value.Interface()); diff != "" {
			t.Errorf("%s: %s", k.Name, diff)
		}
	}
}

// TestSchemaHoldsAtTheBounds tries every integer at its bounds and beside them, as a number and as a string. The
// schema's pattern of the string is computed.
func TestSchemaHoldsAtTheBounds(t *testing.T) {
	compiled := compile(t)
	for _, k := range catalog.EntryKeys() {
		least, most, ok := k.Range()
		if !ok {
			continue
		}
		for _, n := range []int{0, 1, least - 1, least, least + 1, 9, 10, 11, 99, 100, 101, 999, 1000, (least + most) / 2, most - 1, most, most + 1, 10 * most, 20000000, 31499999, 31535999} {
			for _, value := range []any{n, jsonNumber(n)} {
				data, err := json.Marshal(map[string]any{"WorkflowList": []any{map[string]any{"SourceTable": "hr.a", "SecretName": "s", "PrimaryKey": "id", k.Name: value}}})
				if err != nil {
					t.Fatal(err)
				}
				_, inParse := catalog.Parse("hr", data, catalog.StackDefaults{})
				inSchema := compiled.Validate(instance(t, data))
				if want := n >= least && n <= most; (inParse == nil) != want || (inSchema == nil) != want {
					t.Errorf("%s: %#v: Parse says %v, the schema %v, want accepted = %v", k.Name, value, inParse, inSchema, want)
				}
			}
		}
	}
}

func jsonNumber(n int) string {
	data, _ := json.Marshal(n)
	return string(data)
}

// TestParametersAreOfTheKeys: each key reaches a blueprint run under its own name, and with its type.
func TestParametersAreOfTheKeys(t *testing.T) {
	c := accepted(t, `{"WorkflowList": [{"SourceTable": "hr.a", "SecretName": "s"}]}`, catalog.StackDefaults{})
	values := c.Tables[0].Parameters()
	var names []string
	for _, p := range catalog.Parameters() {
		value, ok := values[p.Name]
		if !ok {
			continue // the stack's
		}
		names = append(names, p.Name)
		types := map[string]any{"String": "", "Integer": 0.0, "Double": 0.0, "Boolean": false}
		if reflect.TypeOf(value) != reflect.TypeOf(types[p.Type]) {
			t.Errorf("%s is sent as %T, and is of type %s", p.Name, value, p.Type)
		}
	}
	if diff := cmp.Diff(slices.Sorted(maps.Keys(values)), slices.Sorted(slices.Values(names))); diff != "" {
		t.Errorf("values and parameters differ (-values +parameters):\n%s", diff)
	}
	for _, planner := range []string{"Enabled", "BlueprintParameters"} {
		if slices.Contains(names, planner) {
			t.Errorf("%s concerns the planner only", planner)
		}
	}
}
