package demo

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/landfall/landfall/internal/deployed"
	"github.com/landfall/landfall/internal/local"
	"github.com/landfall/landfall/internal/local/process"
	"github.com/landfall/landfall/internal/s3"
)

// deploy deploys the stack and finds it as the command does.
func (d *demo) deploy(ctx context.Context) error {
	if err := d.cdk(ctx, "deploy"); err != nil {
		return err
	}
	stack, err := deployed.Find(ctx, d.aws, deployed.DefaultName)
	if err != nil {
		return err
	}
	d.stack, d.raw = stack, s3.New(d.aws, stack.RawBucket)
	return nil
}

// cdk runs the real CDK CLI against the endpoint. It finds buckets in URLs only
// when the host is literally localhost.
func (d *demo) cdk(ctx context.Context, command string) error {
	// Bootstrapping needs no app, so it runs where there is none.
	dir := d.dir
	args := []string{"bootstrap", "aws://" + local.AccountID + "/" + local.DefaultRegion}
	if command == "deploy" {
		dir = filepath.Join(d.config.Root, "infra")
		args = []string{"deploy", deployed.DefaultName, "--output", filepath.Join(d.dir, "cdk.out"), "-c", "architecture=" + architecture(), "--require-approval", "never"}
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
		"AWS_ACCESS_KEY_ID=test", "AWS_SECRET_ACCESS_KEY=test", "AWS_REGION="+local.DefaultRegion, "AWS_DEFAULT_REGION="+local.DefaultRegion,
		"AWS_PROFILE=", "CDK_DEFAULT_REGION="+local.DefaultRegion, "CI=true",
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
