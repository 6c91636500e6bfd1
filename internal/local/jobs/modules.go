package jobs

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"golang.org/x/sync/singleflight"

	"github.com/landfall/landfall/internal/local/process"
)

// modules installs sets of wheels, each set once.
type modules struct {
	dir   string
	group singleflight.Group
}

func newModules(dir string) *modules { return &modules{dir: dir} }

// install returns a folder for PYTHONPATH that holds the wheels and nothing else. The folder is named by their
// content.
func (m *modules) install(ctx context.Context, python string, wheels []string) (string, error) {
	digest := sha256.New()
	fmt.Fprintln(digest, python)
	for _, wheel := range wheels {
		content, err := os.ReadFile(wheel)
		if err != nil {
			return "", err
		}
		fmt.Fprintf(digest, "%s %x\n", filepath.Base(wheel), sha256.Sum256(content))
	}
	target := filepath.Join(m.dir, hex.EncodeToString(digest.Sum(nil))[:32])
	_, err, _ := m.group.Do(target, func() (any, error) {
		if _, err := os.Stat(target); err == nil {
			return nil, nil
		}
		return nil, m.pip(ctx, python, wheels, target)
	})
	if errors.Is(err, context.Canceled) && ctx.Err() == nil {
		return m.install(ctx, python, wheels) // the job run that was installing for both was stopped
	}
	return target, err
}

// pip installs so that the target is either complete or does not exist.
func (m *modules) pip(ctx context.Context, python string, wheels []string, target string) error {
	if err := os.MkdirAll(m.dir, 0o755); err != nil {
		return err
	}
	temporary, err := os.MkdirTemp(m.dir, "install-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(temporary)
	args := []string{
		"-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-cache-dir", "--no-input",
		"--no-index", "--no-deps", "--root-user-action", "ignore", "--target", filepath.Join(temporary, "site"),
	}
	cmd := exec.CommandContext(ctx, python, append(args, wheels...)...)
	cmd.Env = []string{"PATH=" + filepath.Dir(python) + ":/usr/bin:/bin", "HOME=" + temporary, "TMPDIR=" + temporary, "LANG=C.UTF-8"}
	process.Own(cmd)
	if out, err := cmd.CombinedOutput(); err != nil {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		return fmt.Errorf("install wheels: %w: %s", err, strings.Join(strings.Fields(string(out)), " "))
	}
	return os.Rename(filepath.Join(temporary, "site"), target)
}
