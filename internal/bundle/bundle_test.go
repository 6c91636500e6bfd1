package bundle_test

import (
	"archive/zip"
	"bytes"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/landfall/landfall/internal/bundle"
)

// An unchanged function or blueprint must be an empty cdk diff.
func TestTheSameFilesGiveTheSameZIP(t *testing.T) {
	files := map[string][]byte{"layout.py": []byte("b"), "blueprint.cfg": []byte("a"), "landing/job/x.py": nil}
	first, err := bundle.ZIP(files, 0o644)
	if err != nil {
		t.Fatal(err)
	}
	for range 10 { // a map's order differs from one range to the next
		if again, err := bundle.ZIP(files, 0o644); err != nil || !bytes.Equal(first, again) {
			t.Fatalf("other bytes, %v", err)
		}
	}
}

func TestABlueprintsFilesAreAtTheRootOfItsZIP(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"blueprint.cfg", "layout.py", "README.md"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(name), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	packed, err := bundle.BlueprintZIP(dir)
	if err != nil {
		t.Fatal(err)
	}
	z, err := zip.NewReader(bytes.NewReader(packed), int64(len(packed)))
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, f := range z.File {
		names = append(names, f.Name)
		r, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		if body, err := io.ReadAll(r); err != nil || string(body) != f.Name || f.Mode() != 0o644 {
			t.Errorf("%s: %q, mode %v, %v", f.Name, body, f.Mode(), err)
		}
	}
	if !slices.Equal(names, bundle.BlueprintFiles) {
		t.Errorf("%v, want %v: other files of the folder are not Glue's", names, bundle.BlueprintFiles)
	}
	if _, err := bundle.BlueprintZIP(t.TempDir()); err == nil {
		t.Error("a folder without a blueprint was packed")
	}
}

func TestAFunctionThatDoesNotCompileSaysWhy(t *testing.T) {
	root := t.TempDir()
	for name, body := range map[string]string{"go.mod": "module x\n\ngo 1.26\n", "lambdas/broken/main.go": "package main\n\nfunc main() { undefined() }\n"} {
		if err := os.MkdirAll(filepath.Dir(filepath.Join(root, name)), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(root, name), []byte(body), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	_, err := bundle.FunctionZIP(t.Context(), root, "broken", bundle.Target{})
	if err == nil || !strings.Contains(err.Error(), "lambdas/broken") || !strings.Contains(err.Error(), "undefined: undefined") {
		t.Errorf("%v, want the folder and what the compiler says", err)
	}
}
