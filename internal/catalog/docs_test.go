package catalog_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/landfall/landfall/internal/catalog"
)

func reference(t *testing.T) string {
	t.Helper()
	data, err := os.ReadFile("../../docs/catalog.md")
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// documented are the keys and the defaults in the tables under a heading of docs/catalog.md.
func documented(t *testing.T, heading string) (keys []string, defaults map[string]string) {
	t.Helper()
	_, rest, ok := strings.Cut(reference(t), "\n## "+heading+"\n")
	if !ok {
		t.Fatalf("docs/catalog.md has no heading %q", heading)
	}
	section, _, _ := strings.Cut(rest, "\n## ")
	defaults = map[string]string{}
	row := regexp.MustCompile("(?m)^\\| `([^`]+)` \\|[^|]*\\|([^|]*)\\|")
	for _, m := range row.FindAllStringSubmatch(section, -1) {
		keys = append(keys, m[1])
		defaults[m[1]] = strings.TrimSpace(m[2])
	}
	return keys, defaults
}

func TestEveryKeyIsDocumented(t *testing.T) {
	keys, defaults := documented(t, "Keys of an entry")
	if diff := cmp.Diff(catalog.EntryKeys(), keys); diff != "" {
		t.Errorf("keys of an entry: %s", diff)
	}
	top, _ := documented(t, "Keys of the catalog")
	if diff := cmp.Diff(catalog.TopKeys(), slices.Sorted(slices.Values(top))); diff != "" {
		t.Errorf("keys of the catalog: %s", diff)
	}
	for alias, key := range catalog.Aliases() {
		if !strings.Contains(reference(t), "`"+alias+"`") {
			t.Errorf("the alias %s of %s is not in docs/catalog.md", alias, key)
		}
	}
	for key, value := range goDefaults(t) {
		if got, want := defaults[key], fmt.Sprintf("`%v`", value); got != want {
			t.Errorf("docs/catalog.md says %s is %s by default, the code says %s", key, got, want)
		}
	}
}

func TestEveryKeyIsInTheSchema(t *testing.T) {
	type property struct {
		Description string
		Default     any
		Deprecated  bool
	}
	var schema struct {
		Properties map[string]property
		Defs       struct {
			Keys struct{ Properties map[string]property }
		} `json:"$defs"`
	}
	if err := json.Unmarshal(catalog.Schema(), &schema); err != nil {
		t.Fatal(err)
	}
	entry := schema.Defs.Keys.Properties
	want := append(catalog.EntryKeys(), slices.Collect(maps.Keys(catalog.Aliases()))...)
	if diff := cmp.Diff(slices.Sorted(slices.Values(want)), slices.Sorted(maps.Keys(entry))); diff != "" {
		t.Errorf("keys of an entry: %s", diff)
	}
	if diff := cmp.Diff(catalog.TopKeys(), slices.Sorted(maps.Keys(schema.Properties))); diff != "" {
		t.Errorf("keys of the catalog: %s", diff)
	}
	for name, p := range entry {
		if p.Description == "" {
			t.Errorf("%s has no description in the schema", name)
		}
		if _, alias := catalog.Aliases()[name]; p.Deprecated != alias {
			t.Errorf("%s: deprecated is %v in the schema", name, p.Deprecated)
		}
	}
	for key, value := range goDefaults(t) {
		if got := entry[key].Default; got != value {
			t.Errorf("the schema says %s is %v by default, the code says %v", key, got, value)
		}
	}
}

// goDefaults are the values of a table of which the catalog says nothing, in
// their JSON form, but for those that are empty or depend on the table.
func goDefaults(t *testing.T) map[string]any {
	t.Helper()
	c := accepted(t, `{"WorkflowList": [{"SourceTable": "hr.a", "SecretName": "s", "WorkflowName": "w"}]}`, catalog.Deployment{})
	data, err := json.Marshal(c.Tables[0])
	if err != nil {
		t.Fatal(err)
	}
	var defaults map[string]any
	if err := json.Unmarshal(data, &defaults); err != nil {
		t.Fatal(err)
	}
	for _, given := range []string{"SourceTable", "SecretName", "WorkflowName"} {
		delete(defaults, given)
	}
	maps.DeleteFunc(defaults, func(_ string, v any) bool { return v == "" })
	return defaults
}

// TestDocumentedCatalogs tries the catalogs of docs/catalog.md; one of them is
// refused, with the text that follows it.
func TestDocumentedCatalogs(t *testing.T) {
	text := reference(t)
	blocks := regexp.MustCompile("(?s)```json\n(.*?)```(?:\n\n```text\n(.*?)```)?").FindAllStringSubmatchIndex(text, -1)
	refused := 0
	for _, b := range blocks {
		_, err := catalog.Parse("hr", []byte(text[b[2]:b[3]]), catalog.Deployment{})
		if b[4] < 0 {
			if err != nil {
				t.Errorf("refused: %v", err)
			}
			continue
		}
		refused++
		if err == nil {
			t.Fatal("the broken catalog is accepted")
		}
		got := err.Error() + "\n"
		if *update {
			if err := os.WriteFile("../../docs/catalog.md", []byte(text[:b[4]]+got+text[b[5]:]), 0o644); err != nil {
				t.Fatal(err)
			}
			continue
		}
		if diff := cmp.Diff(text[b[4]:b[5]], got); diff != "" {
			t.Errorf("the documented errors differ (-update writes them): %s", diff)
		}
	}
	if len(blocks) < 3 || refused != 1 {
		t.Errorf("got %d catalogs, %d of them refused, want 3 and 1", len(blocks), refused)
	}
}

func TestExamplesAreGood(t *testing.T) {
	compiled := compile(t)
	files, err := filepath.Glob("../../examples/hr/catalogs/*.json")
	if err != nil || len(files) < 4 {
		t.Fatalf("got %d example catalogs, want at least 4: %v", len(files), err)
	}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := catalog.Parse("hr", data, catalog.Deployment{}); err != nil {
			t.Errorf("%s: %v", filepath.Base(file), err)
		}
		if err := compiled.Validate(instance(t, data)); err != nil {
			t.Errorf("%s: %v", filepath.Base(file), err)
		}
	}
}
