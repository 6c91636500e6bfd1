package catalog_test

import (
	"os"
	"path/filepath"
	"regexp"
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

// The table of keys itself is generated: see generate/main_test.go.
func TestEveryAliasIsDocumented(t *testing.T) {
	for alias, key := range catalog.Aliases() {
		if !strings.Contains(reference(t), "`"+alias+"`") {
			t.Errorf("the alias %s of %s is not in docs/catalog.md", alias, key)
		}
	}
}

// TestDocumentedCatalogs tries the catalogs of docs/catalog.md; one of them is
// refused, with the text that follows it.
func TestDocumentedCatalogs(t *testing.T) {
	text := reference(t)
	blocks := regexp.MustCompile("(?s)```json\n(.*?)```(?:\n\n```text\n(.*?)```)?").FindAllStringSubmatchIndex(text, -1)
	refused := 0
	for _, b := range blocks {
		_, err := catalog.Parse("hr", []byte(text[b[2]:b[3]]), catalog.StackDefaults{})
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
		if _, err := catalog.Parse("hr", data, catalog.StackDefaults{}); err != nil {
			t.Errorf("%s: %v", filepath.Base(file), err)
		}
		if err := compiled.Validate(instance(t, data)); err != nil {
			t.Errorf("%s: %v", filepath.Base(file), err)
		}
	}
}
