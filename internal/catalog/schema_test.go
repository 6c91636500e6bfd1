package catalog_test

import (
	"bytes"
	"flag"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/landfall/landfall/internal/catalog"
)

var update = flag.Bool("update", false, "write the golden files")

// beyondSchema are the catalogs that only Parse refuses, each with the reason.
var beyondSchema = map[string]string{
	"column-too-many-bytes":              "JSON Schema counts characters, PostgreSQL bytes",
	"columns-drop-of-key":                "names of one key have to be compared with those of another",
	"columns-hash-of-cursor":             "names of one key have to be compared with those of another",
	"columns-hash-of-partition":          "names of one key have to be compared with those of another",
	"columns-mask-of-key":                "names of one key have to be compared with those of another",
	"deletes-without-key":                "whether there is a key depends on Defaults too",
	"duplicate-derived-name":             "JSON Schema does not compare entries by a computed value",
	"duplicate-key":                      "JSON Schema sees objects after duplicate keys are gone",
	"duplicate-table":                    "JSON Schema does not compare entries by some of their keys",
	"duplicate-tag":                      "JSON Schema sees objects after duplicate keys are gone",
	"duplicate-top-level-key":            "JSON Schema sees objects after duplicate keys are gone",
	"duplicate-workflow-name":            "JSON Schema does not compare entries by one key",
	"lookback-without-key":               "whether there is a key depends on Defaults too",
	"null-cursor-without-key":            "whether there is a key depends on Defaults too",
	"parameters-too-long":                "the limit is on all values together, as JSON",
	"primary-key-too-long-in-one-string": "a length of the parts of a string, in bytes",
	"primary-key-twice-in-one-string":    "JSON Schema does not take strings apart",
	"schedule-empty":                     "whether the schedule counts depends on Defaults too",
	"schedule-not-a-month":               "the pattern only tells the kind of characters of each field",
	"schedule-out-of-range":              "the pattern only tells the kind of characters of each field",
	"schedule-sixth-friday":              "the pattern only tells the kind of characters of each field",
	"schedule-step-zero":                 "the pattern only tells the kind of characters of each field",
	"schedule-too-often":                 "an interval has to be computed",
	"table-too-many-bytes":               "JSON Schema counts characters, PostgreSQL bytes",
	"tags-too-many-together":             "the limit is on Defaults and the entry together",
	"types-scale-over-precision":         "two numbers of one string have to be compared",
}

func TestSchemaAndParseAgree(t *testing.T) {
	compiled := compile(t)
	for _, folder := range []struct {
		name              string
		inSchema, inParse bool
	}{
		{"good", true, true},
		{"bad", false, false},
		{"beyond-schema", true, false},
	} {
		for name, data := range corpus(t, folder.name) {
			t.Run(folder.name+"/"+name, func(t *testing.T) {
				_, err := catalog.Parse("hr", data, catalog.StackDefaults{})
				if (err == nil) != folder.inParse {
					t.Errorf("Parse: got error %v, want good = %v", err, folder.inParse)
				}
				if err := compiled.Validate(instance(t, data)); (err == nil) != folder.inSchema {
					t.Errorf("schema: got error %v, want good = %v", err, folder.inSchema)
				}
				if folder.name == "beyond-schema" && beyondSchema[name] == "" {
					t.Error("say in beyondSchema why the schema cannot refuse it")
				}
			})
		}
	}
	for name := range beyondSchema {
		if _, err := os.Stat(filepath.Join("testdata", "beyond-schema", name+".json")); err != nil {
			t.Errorf("beyondSchema lists %s: %v", name, err)
		}
	}
}

// TestProblemsReadWell pins the words of every problem in the corpus, and its place.
func TestProblemsReadWell(t *testing.T) {
	for _, folder := range []string{"bad", "beyond-schema"} {
		var got strings.Builder
		catalogs := corpus(t, folder)
		for _, name := range slices.Sorted(maps.Keys(catalogs)) {
			got.WriteString("## " + name + "\n")
			for _, p := range problems(t, string(catalogs[name])) {
				got.WriteString(p.String() + "\n")
			}
			got.WriteString("\n")
		}
		golden := filepath.Join("testdata", folder+".golden")
		if *update {
			if err := os.WriteFile(golden, []byte(got.String()), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(golden)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(want), got.String()); diff != "" {
			t.Errorf("%s (-update writes it): %s", golden, diff)
		}
	}
}

func compile(t testing.TB) *jsonschema.Schema {
	t.Helper()
	document, err := jsonschema.UnmarshalJSON(bytes.NewReader(catalog.Schema()))
	if err != nil {
		t.Fatal(err)
	}
	compiler := jsonschema.NewCompiler()
	if err := compiler.AddResource("catalog.schema.json", document); err != nil {
		t.Fatal(err)
	}
	compiled, err := compiler.Compile("catalog.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	return compiled
}

// instance is a catalog as the schema's validator takes it.
func instance(t testing.TB, data []byte) any {
	t.Helper()
	v, err := jsonschema.UnmarshalJSON(bytes.NewReader(bytes.TrimPrefix(data, []byte("\xef\xbb\xbf"))))
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// corpus are the catalogs of a folder of testdata by name.
func corpus(t testing.TB, folder string) map[string][]byte {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("testdata", folder, "*.json"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no catalogs in testdata/%s: %v", folder, err)
	}
	catalogs := map[string][]byte{}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		catalogs[strings.TrimSuffix(filepath.Base(file), ".json")] = data
	}
	return catalogs
}
