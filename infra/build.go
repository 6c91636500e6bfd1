package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"github.com/landfall/landfall/internal/bundle"
	"github.com/landfall/landfall/internal/keys"
	"github.com/landfall/landfall/statemachine"
)

// artifacts is everything that is deployed besides the template.
type artifacts struct {
	architecture string // arm64 or x86_64
	// functions maps a function to the folder that holds its bootstrap.
	functions map[string]string
	// files are published into the artifacts bucket by RegisterBlueprint: file on disk → key.
	files []publication
	// layoutVersion is the hash of the blueprint ZIP.
	layoutVersion string
	// staleAfter is how much later than its schedule a table may land, as Go writes durations.
	staleAfter string
}

type publication struct {
	id, path, key string
}

// build makes what is deployed, reproducibly: the same sources give the same
// bytes, so that an unchanged part is an empty cdk diff.
func build(root, architecture string, progress io.Writer) (*artifacts, error) {
	out := &artifacts{architecture: architecture, functions: map[string]string{}}
	if err := out.buildFunctions(root, progress); err != nil {
		return nil, err
	}
	if err := out.buildBlueprint(root); err != nil {
		return nil, err
	}
	return out, out.fetchWheels(root, progress)
}

func (a *artifacts) buildFunctions(root string, progress io.Writer) error {
	fmt.Fprintf(progress, "building the functions for %s ...\n", a.architecture)
	for _, name := range statemachine.Functions() {
		folder := statemachine.Folder(name)
		dir := filepath.Join(root, "build", "lambdas", a.architecture, folder)
		if err := bundle.Function(context.Background(), root, folder, dir, bundle.Target{Architecture: a.architecture}); err != nil {
			return err
		}
		a.functions[name] = dir
	}
	return nil
}

// buildBlueprint packs the blueprint and the job's package.
func (a *artifacts) buildBlueprint(root string) error {
	source, target := filepath.Join(root, "blueprint"), filepath.Join(root, "build", "blueprint")
	blueprint, err := bundle.BlueprintZIP(source)
	if err != nil {
		return err
	}
	var modules []string
	err = fs.WalkDir(os.DirFS(source), "landing", func(path string, _ fs.DirEntry, err error) error {
		if strings.HasSuffix(path, ".py") {
			modules = append(modules, path)
		}
		return err
	})
	if err != nil {
		return err
	}
	files, err := bundle.Files(source, modules)
	if err != nil {
		return err
	}
	job, err := bundle.ZIP(files, 0o644)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(target, 0o755); err != nil {
		return err
	}
	for name, body := range map[string][]byte{"landfall.zip": blueprint, "landing.zip": job} {
		if err := os.WriteFile(filepath.Join(target, name), body, 0o644); err != nil {
			return err
		}
	}
	sum := sha256.Sum256(blueprint)
	a.layoutVersion = hex.EncodeToString(sum[:])
	a.files = append(a.files,
		publication{"Blueprint", filepath.Join(target, "landfall.zip"), keys.Blueprint},
		publication{"Script", filepath.Join(source, "land_table.py"), keys.Script},
		publication{"Package", filepath.Join(target, "landing.zip"), keys.JobPackage})
	return nil
}

// jobPythons are the Pythons that Glue runs jobs on: Spark's and the Python shell's.
var jobPythons = []string{"3.11", "3.9"}

// fetchWheels has pip fetch the job's wheels for Glue's platform. pip checks
// the locked hashes of what is there already, too, and then fetches nothing.
func (a *artifacts) fetchWheels(root string, progress io.Writer) error {
	lock, target := filepath.Join(root, "blueprint", "wheels.txt"), filepath.Join(root, "build", "wheels")
	fmt.Fprintln(progress, "fetching the job's wheels (hashes checked) ...")
	for _, python := range jobPythons {
		cmd := exec.Command("python3", "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--require-hashes", "--no-deps",
			"--no-color", "--only-binary", ":all:", "--python-version", python, "--find-links", target, "-r", lock, "-d", target,
			// A wheel is tagged for one of the two, and pip takes the name literally.
			"--platform", "manylinux_2_28_x86_64", "--platform", "manylinux2014_x86_64")
		if output, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("fetch the wheels of %s for Python %s: %w\n%s", lock, python, err, output)
		}
	}
	wheels, err := filepath.Glob(filepath.Join(target, "*.whl"))
	if err != nil {
		return err
	}
	locked, err := os.ReadFile(lock)
	if err != nil {
		return err
	}
	// Wheels of an earlier lock may still be there.
	wheels = slices.DeleteFunc(wheels, func(w string) bool {
		parts := strings.Split(filepath.Base(w), "-")
		return len(parts) < 2 || !strings.Contains(string(locked), strings.ReplaceAll(parts[0], "_", "-")+"=="+parts[1]+" ")
	})
	if len(wheels) == 0 {
		return fmt.Errorf("fetch the wheels of %s: nothing arrived in %s", lock, target)
	}
	slices.Sort(wheels)
	for _, w := range wheels {
		name := filepath.Base(w)
		parts := strings.Split(name, "-") // distribution, version, Python, ABI, platform
		if len(parts) < 5 {
			return fmt.Errorf("%s is not the name of a wheel", w)
		}
		id := "Wheel" + strings.ReplaceAll(parts[0], "_", "") + parts[2]
		a.files = append(a.files, publication{id, w, keys.Wheels + name})
	}
	return nil
}

// modules are the keys of the wheels, duckdb first: its extension needs it.
func (a *artifacts) modules() string {
	var wheels []string
	for _, f := range a.files {
		if strings.HasPrefix(f.key, keys.Wheels) {
			wheels = append(wheels, f.key)
		}
	}
	return strings.Join(wheels, ",")
}
