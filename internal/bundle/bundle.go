// Package bundle makes what is deployed out of sources: the programs of the Lambda functions, and ZIPs of functions and
// blueprints.
package bundle

import (
	"archive/zip"
	"bytes"
	"context"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"time"
)

// Bootstrap is the name of the program in a function's ZIP, which Lambda's runtime provided.al2023 starts.
const Bootstrap = "bootstrap"

// Target is what a function is built for.
type Target struct {
	// Architecture is Lambda's: arm64 or x86_64. Empty is this machine, on which the local endpoint runs functions.
	Architecture string
	// Tags are further build tags.
	Tags string
}

var goarch = map[string]string{"arm64": "arm64", "x86_64": "amd64"}

// Function builds the folder of lambdas/ in the working copy and writes the program to dir/bootstrap. The same sources
// give the same bytes.
func Function(ctx context.Context, root, folder, dir string, t Target) error {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return err
	}
	tags := "lambda.norpc" // leaves out the runtime that Go functions had before provided.al2023
	if t.Tags != "" {
		tags += "," + t.Tags
	}
	cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-buildvcs=false", "-tags", tags, "-ldflags=-s -w",
		"-o", filepath.Join(dir, Bootstrap), "./lambdas/"+folder)
	cmd.Dir = root
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if t.Architecture != "" {
		cmd.Env = append(cmd.Env, "GOOS=linux", "GOARCH="+goarch[t.Architecture])
	}
	if output, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("build lambdas/%s: %w\n%s", folder, err, output)
	}
	return nil
}

// FunctionZIP builds the folder of lambdas/ in the working copy and returns the function's ZIP.
func FunctionZIP(ctx context.Context, root, folder string, t Target) ([]byte, error) {
	dir, err := os.MkdirTemp("", "landfall-build-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	if err := Function(ctx, root, folder, dir, t); err != nil {
		return nil, err
	}
	program, err := os.ReadFile(filepath.Join(dir, Bootstrap))
	if err != nil {
		return nil, err
	}
	return ZIP(map[string][]byte{Bootstrap: program}, 0o755)
}

// BlueprintFiles are the files of a blueprint's folder that Glue reads from its ZIP. blueprint.cfg must be at the root of
// the ZIP: otherwise the name of the folder would have to be the ZIP's.
var BlueprintFiles = []string{"blueprint.cfg", "layout.py"}

// Files reads files of a folder.
func Files(dir string, names []string) (map[string][]byte, error) {
	files := map[string][]byte{}
	for _, name := range names {
		body, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			return nil, err
		}
		files[name] = body
	}
	return files, nil
}

// BlueprintZIP packs the blueprint of a folder.
func BlueprintZIP(dir string) ([]byte, error) {
	files, err := Files(dir, BlueprintFiles)
	if err != nil {
		return nil, err
	}
	return ZIP(files, 0o644)
}

// ZIP packs files by their names, all with the mode. The bytes depend on the names, contents and mode alone.
func ZIP(files map[string][]byte, mode fs.FileMode) ([]byte, error) {
	var out bytes.Buffer
	z := zip.NewWriter(&out)
	for _, name := range slices.Sorted(maps.Keys(files)) {
		header := &zip.FileHeader{Name: name, Method: zip.Deflate, Modified: time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC)}
		header.SetMode(mode)
		w, err := z.CreateHeader(header)
		if err == nil {
			_, err = w.Write(files[name])
		}
		if err != nil {
			return nil, fmt.Errorf("pack %s: %w", name, err)
		}
	}
	if err := z.Close(); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}
