package demo

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/landfall/landfall/internal/local"
	"github.com/landfall/landfall/internal/local/process"
)

// stack is what the deployed stack says of itself.
type stack struct {
	ArtifactsBucket string
	RawBucket       string
	StateMachineArn string
}

// cdk runs the real CDK CLI against the endpoint. It finds buckets in URLs only
// when the host is literally localhost.
func (d *demo) cdk(ctx context.Context, command string) error {
	// Bootstrapping needs no app, so it runs where there is none.
	dir, outputs := d.dir, filepath.Join(d.dir, "outputs.json")
	args := []string{"bootstrap", "aws://" + local.AccountID + "/" + region}
	if command == "deploy" {
		dir = filepath.Join(d.config.Root, "infra")
		args = []string{"deploy", "Landfall", "--output", filepath.Join(d.dir, "cdk.out"), "-c", "architecture=" + architecture(), "--require-approval", "never", "--outputs-file", outputs}
	}
	scratch := filepath.Join(d.dir, "tmp")
	if err := os.MkdirAll(scratch, 0o755); err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(scratch) }()
	bin := filepath.Join(d.config.Root, "build", "venv", "bin")
	node := filepath.Join(d.config.Root, "build", "node_modules", ".bin")
	cmd := exec.CommandContext(ctx, filepath.Join(node, "cdk"), args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(),
		"PATH="+bin+string(os.PathListSeparator)+node+string(os.PathListSeparator)+os.Getenv("PATH"),
		"AWS_ENDPOINT_URL="+d.endpoint.CDKURL(),
		"AWS_ACCESS_KEY_ID=test", "AWS_SECRET_ACCESS_KEY=test", "AWS_REGION="+region, "AWS_DEFAULT_REGION="+region,
		"AWS_PROFILE=", "CDK_DEFAULT_REGION="+region, "CI=true",
		"TMPDIR="+scratch, // a CDK app that is killed leaves its runtime there
	)
	// Ctrl-C ends the CDK app's own children too.
	process.Own(cmd)
	out, err := cmd.CombinedOutput()
	log := filepath.Join(d.dir, "cdk-"+command+".log")
	if werr := os.WriteFile(log, out, 0o600); werr != nil {
		return werr
	}
	if err != nil {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		return fmt.Errorf("%w; the end of %s:\n%s", err, log, tail(string(out), 25))
	}
	if command != "deploy" {
		return nil
	}
	return d.readOutputs(outputs)
}

func (d *demo) readOutputs(file string) error {
	data, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	var stacks map[string]stack
	if err := json.Unmarshal(data, &stacks); err != nil {
		return fmt.Errorf("decode %s: %w", file, err)
	}
	d.stack = stacks["Landfall"]
	if d.stack.ArtifactsBucket == "" || d.stack.RawBucket == "" || d.stack.StateMachineArn == "" {
		return errors.New("the stack Landfall lacks an output: " + string(data))
	}
	return nil
}

// architecture is this machine's, because the functions run here as processes.
func architecture() string {
	if runtime.GOARCH == "arm64" {
		return "arm64"
	}
	return "x86_64"
}

func tail(s string, lines int) string {
	all := strings.Split(strings.TrimRight(s, "\n"), "\n")
	return strings.Join(all[max(0, len(all)-lines):], "\n")
}
