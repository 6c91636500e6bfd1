// Package generator runs the layout generators of blueprints: the Python of a blueprint's ZIP, with the part of
// AWS Glue's awsglue package that it imports.
package generator

import (
	"bytes"
	"context"
	"embed"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"
)

//go:embed awsglue/host.py awsglue/blueprint/*.py
var library embed.FS

const (
	maxProcesses   = 4
	maxLayoutBytes = 16 << 20
	errorPrefix    = "Unknown error executing layout generator function "
)

// Config is what a Pool is built from.
type Config struct {
	Python            string // interpreter
	Region, AccountID string // what a generator gets as system parameters
	Timeout           time.Duration
	// Keep keeps the processes, which then fork for each call: for calls by the thousand. The calls of a blueprint
	// share its folder under /tmp, and what a generator starts lives until Close.
	Keep bool
	// Cache, where it is set, spares running a generator again with the same parameters.
	Cache *Cache
	Log   *slog.Logger
}

// Pool runs a few layout generators at a time.
type Pool struct {
	config Config
	ctx    context.Context
	slots  chan struct{} // one per generator that may run
	hosts  hosts
}

// New returns a Pool. When ctx ends, so do the processes; Close then removes what they used.
func New(ctx context.Context, c Config) *Pool {
	return &Pool{config: c, ctx: ctx, slots: make(chan struct{}, maxProcesses)}
}

// Close ends the processes that are kept.
func (p *Pool) Close() { p.hosts.close() }

// Layout is what a layout generator returned: the bodies of Create calls.
type Layout struct {
	Workflow json.RawMessage
	Crawlers []json.RawMessage
	Jobs     []json.RawMessage
	Triggers []json.RawMessage
}

// request is what host.py reads.
type request struct {
	Generator    string                     `json:"generator"`
	Path         string                     `json:"path"`
	UserParams   map[string]json.RawMessage `json:"user_params"`
	SystemParams map[string]string          `json:"system_params"`
	Suffix       string                     `json:"suffix"`
}

// answer is what host.py writes.
type answer struct {
	Layout *Layout `json:"layout"`
	Error  *struct {
		Type    string `json:"type"`
		Message string `json:"message"`
	} `json:"error"`
	// Died is how a process ended without an answer.
	Died string `json:"died"`
}

// Generate runs a blueprint's layout generator, whose names get the suffix. Errors are in the words of a blueprint
// run's ErrorMessage.
func (p *Pool) Generate(b *Blueprint, values map[string]json.RawMessage, suffix string) (*Layout, error) {
	if p.config.Cache == nil {
		return p.generate(b, values, suffix)
	}
	return p.config.Cache.generate(p, b, values, suffix)
}

func (p *Pool) generate(b *Blueprint, values map[string]json.RawMessage, suffix string) (*Layout, error) {
	select {
	case p.slots <- struct{}{}:
		defer func() { <-p.slots }()
	case <-p.ctx.Done():
		return nil, p.ctx.Err()
	}
	q := request{
		Generator: b.generator, UserParams: values, Suffix: suffix,
		SystemParams: map[string]string{"region": p.config.Region, "accountId": p.config.AccountID},
	}
	var got *answer
	var err error
	if p.config.Keep {
		got, err = p.askHost(b, q)
	} else {
		got, err = p.askOnce(b, q)
	}
	switch {
	case err != nil:
		return nil, fmt.Errorf("%s%w", errorPrefix, err)
	case got.Error != nil:
		return nil, fmt.Errorf("%s%s: %s", errorPrefix, got.Error.Type, got.Error.Message)
	case got.Died != "":
		return nil, fmt.Errorf("%sthe process ended without an answer: %s", errorPrefix, got.Died)
	case got.Layout == nil:
		return nil, fmt.Errorf("%sit returned nothing", errorPrefix)
	}
	return got.Layout, nil
}

// askOnce runs the generator in a process and a folder of its own.
func (p *Pool) askOnce(b *Blueprint, q request) (*answer, error) {
	dir, err := os.MkdirTemp("", "glue-layout-")
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	tmp, lib, err := b.unpack(dir)
	if err != nil {
		return nil, err
	}
	q.Path = b.path(tmp)
	return p.python(tmp, lib, marshal(q))
}

// path is where the layout's modules are imported from.
func (b *Blueprint) path(tmp string) string {
	if b.root {
		return filepath.Join(tmp, b.folder)
	}
	return tmp
}

// unpack lays the ZIP out as Glue does under /tmp, so that blueprint.cfg is /tmp/<name of the ZIP>/blueprint.cfg in
// both forms, and the awsglue package next to it.
func (b *Blueprint) unpack(dir string) (tmp, lib string, err error) {
	tmp, lib = filepath.Join(dir, "tmp"), filepath.Join(dir, "lib")
	base := b.path(tmp)
	for name, content := range b.files {
		if err := writeFile(filepath.Join(base, filepath.FromSlash(name)), content); err != nil {
			return "", "", err
		}
	}
	err = fs.WalkDir(library, "awsglue", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		content, err := library.ReadFile(name)
		if err != nil {
			return err
		}
		return writeFile(filepath.Join(lib, filepath.FromSlash(name)), content)
	})
	return tmp, lib, err
}

func writeFile(name string, content []byte) error {
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return err
	}
	return os.WriteFile(name, content, 0o644)
}

// start starts host.py with the current folder tmp and returns the pipe that its answers come through; it may print
// besides. It inherits nothing: no environment, no credentials, no home to find them in. When the command's context
// ends, so does all that it started.
func start(cmd *exec.Cmd, tmp string) (*os.File, error) {
	read, write, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	cmd.Dir, cmd.ExtraFiles = tmp, []*os.File{write}
	cmd.Env = []string{"HOME=" + tmp, "LANG=C.UTF-8", "AWS_EC2_METADATA_DISABLED=true"}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = time.Second
	err = cmd.Start()
	_ = write.Close()
	if err != nil {
		_ = read.Close()
		return nil, fmt.Errorf("start %q: %w", cmd.Path, err)
	}
	return read, nil
}

// python runs host.py for one request.
func (p *Pool) python(tmp, lib string, request []byte) (*answer, error) {
	ctx, cancel := context.WithTimeout(p.ctx, p.config.Timeout)
	defer cancel()
	var stderr tail
	cmd := exec.CommandContext(ctx, p.config.Python, "-I", "-B", filepath.Join(lib, "awsglue", "host.py"))
	cmd.Stdin, cmd.Stdout, cmd.Stderr = bytes.NewReader(request), &stderr, &stderr
	read, err := start(cmd, tmp)
	if err != nil {
		return nil, err
	}
	defer func() { _ = read.Close() }()
	_ = read.SetReadDeadline(time.Now().Add(p.config.Timeout + time.Second))
	output, _ := io.ReadAll(io.LimitReader(read, maxLayoutBytes))
	_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) // what the generator left behind; its group exists until Wait
	err = cmd.Wait()
	p.config.Log.Debug("layout generator", "output", stderr.String())
	if ctx.Err() != nil {
		return nil, fmt.Errorf("TimeoutError: the layout generator took longer than %v", p.config.Timeout)
	}
	got := &answer{}
	if json.Unmarshal(output, got) != nil {
		return nil, fmt.Errorf("the process ended without an answer: %v: %s", err, stderr.String())
	}
	return got, nil
}

// tail keeps the end of what is written to it.
type tail struct{ text []byte }

const tailBytes = 2000

// Write implements io.Writer.
func (t *tail) Write(p []byte) (int, error) {
	t.text = append(t.text, p...)
	if n := len(t.text) - tailBytes; n > 0 {
		t.text = append(t.text[:0], t.text[n:]...)
	}
	return len(p), nil
}

func (t *tail) String() string { return string(t.text) }

// marshal is for values of this package, which always have JSON.
func marshal(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return b
}
