// Package jobs runs Glue job runs as processes on this machine: the script from S3, with the files and wheels its
// arguments name, on the Python and Spark of Glue 5.1 that make setup installed.
package jobs

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"github.com/landfall/landfall/internal/local/glue"
	"github.com/landfall/landfall/internal/local/process"
)

// Config says where job runs find things. All fields but Log are required.
type Config struct {
	// Root is the working copy whose build/ folder holds Python and Java.
	Root string
	// Dir takes one log file per job run and the scratch files, which are removed with each job run.
	Dir string
	// EndpointURL is what the job gets as AWS_ENDPOINT_URL.
	EndpointURL string
	Region      string
	// Objects reads an object of S3.
	Objects func(ctx context.Context, bucket, key string) ([]byte, error)
	Log     *slog.Logger
}

// Runner runs job runs. It implements glue.Runner.
type Runner struct {
	config  Config
	modules *modules
}

// New returns a Runner; nothing is started before the first job run.
func New(c Config) *Runner {
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	return &Runner{config: c, modules: newModules(filepath.Join(c.Dir, "modules"))}
}

// python is what runs a command's scripts: 3.11 for Spark and, where this machine has it, 3.9 for the Python shell.
func (c Config) python(command string) string {
	if command == commandShell {
		if shell := filepath.Join(c.Root, "build/venv39/bin/python"); exists(shell) {
			return shell
		}
	}
	return filepath.Join(c.Root, "build/venv/bin/python")
}

// installs reports whether wheels are for the Python that runs a command's scripts. Without Python 3.9, Python shell
// jobs run where make setup installed what the wheels hold.
func (c Config) installs(command string) bool {
	return command != commandShell || strings.Contains(c.python(command), "venv39")
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// LogPath is where the output of a job run goes.
func (r *Runner) LogPath(jobRunID string) string { return filepath.Join(r.config.Dir, jobRunID+".log") }

const commandShell = "pythonshell"

// Run runs one job run to its end; nothing of it is left running then. The error of a failed script is the one line
// Glue would show as the job run's message. A context that ends kills the job run.
func (r *Runner) Run(ctx context.Context, run glue.JobRun) error {
	if run.CommandName != "glueetl" && run.CommandName != commandShell {
		return fmt.Errorf("job command %q does not run locally; glueetl and pythonshell do", run.CommandName)
	}
	if python := r.config.python(run.CommandName); !exists(python) {
		return fmt.Errorf("there is no %s: run make setup", python)
	}
	scratch := filepath.Join(r.config.Dir, "scratch", run.ID)
	if err := os.MkdirAll(filepath.Join(scratch, "tmp"), 0o755); err != nil {
		return fmt.Errorf("create scratch folder: %w", err)
	}
	defer os.RemoveAll(scratch)
	files, err := r.fetch(ctx, run, scratch)
	if err != nil {
		return err
	}
	return r.execute(ctx, run, scratch, files)
}

// fetched is what a job run needs of S3, on disk.
type fetched struct {
	script     string
	pythonPath []string
}

func (r *Runner) fetch(ctx context.Context, run glue.JobRun, scratch string) (fetched, error) {
	script, err := r.download(ctx, run.ScriptLocation, filepath.Join(scratch, "script"))
	if err != nil {
		return fetched{}, fmt.Errorf("job script: %w", err)
	}
	files := fetched{script: script}
	var wheels []string
	for i, location := range list(run.Arguments["--extra-py-files"]) {
		if strings.HasSuffix(location, ".whl") {
			wheels = append(wheels, location)
			continue
		}
		file, err := r.download(ctx, location, filepath.Join(scratch, fmt.Sprintf("extra-%d", i)))
		if err != nil {
			return fetched{}, fmt.Errorf("--extra-py-files: %w", err)
		}
		if strings.HasSuffix(file, ".py") {
			file = filepath.Dir(file)
		}
		files.pythonPath = append(files.pythonPath, file)
	}
	wheels = append(wheels, list(run.Arguments["--additional-python-modules"])...)
	if len(wheels) == 0 {
		return files, nil
	}
	installed, err := r.install(ctx, run.CommandName, wheels, scratch)
	if err != nil {
		return fetched{}, fmt.Errorf("--additional-python-modules: %w", err)
	}
	files.pythonPath = append(files.pythonPath, installed)
	return files, nil
}

func (r *Runner) install(ctx context.Context, command string, locations []string, scratch string) (string, error) {
	var wheels []string
	for i, location := range locations {
		if !strings.HasPrefix(location, "s3://") {
			return "", fmt.Errorf("%q: only wheels in S3 are installed locally", location)
		}
		wheel, err := r.download(ctx, location, filepath.Join(scratch, fmt.Sprintf("wheel-%d", i)))
		if err != nil {
			return "", err
		}
		if strings.Contains(path.Base(location), "-cp39-") && !r.config.installs(command) {
			continue
		}
		wheels = append(wheels, wheel)
	}
	return r.modules.install(ctx, r.config.python(command), wheels)
}

// download copies an object into a folder of its own, under its own name, and returns the file's path.
func (r *Runner) download(ctx context.Context, location, folder string) (string, error) {
	bucket, key, ok := strings.Cut(strings.TrimPrefix(location, "s3://"), "/")
	if !ok || !strings.HasPrefix(location, "s3://") || path.Base(key) == "." {
		return "", fmt.Errorf("%q is not an S3 location", location)
	}
	content, err := r.config.Objects(ctx, bucket, key)
	if err != nil {
		return "", fmt.Errorf("read %s: %w", location, err)
	}
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return "", err
	}
	file := filepath.Join(folder, path.Base(key))
	return file, os.WriteFile(file, content, 0o644)
}

func (r *Runner) execute(ctx context.Context, run glue.JobRun, scratch string, files fetched) error {
	log, err := os.Create(r.LogPath(run.ID))
	if err != nil {
		return fmt.Errorf("create job log: %w", err)
	}
	defer log.Close()
	messages := &lastMessage{}
	cmd := exec.CommandContext(ctx, r.config.python(run.CommandName), append([]string{files.script}, arguments(run)...)...)
	cmd.Dir = scratch
	cmd.Env = r.environment(run, scratch, files.pythonPath)
	cmd.Stdout, cmd.Stderr = log, &tee{log, messages}
	process.Own(cmd)
	r.config.Log.Info("job run started", "job", run.JobName, "job_run_id", run.ID, "log", log.Name())
	err = cmd.Run()
	// Spark's JVM and workers end by themselves, but not always at once.
	process.Kill(cmd)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if _, ok := errors.AsType[*exec.ExitError](err); ok {
		if message := messages.message(); message != "" {
			return errors.New(message)
		}
		//lint:ignore ST1005 Glue shows it so
		return fmt.Errorf("Command failed with exit code %d", exitCode(cmd.ProcessState))
	}
	if err != nil && !errors.Is(err, exec.ErrWaitDelay) {
		return fmt.Errorf("run job script: %w", err)
	}
	return nil
}

// exitCode is a shell's: 128 and the signal's number for a process that was killed.
func exitCode(state *os.ProcessState) int {
	if status, ok := state.Sys().(syscall.WaitStatus); ok && status.Signaled() {
		return 128 + int(status.Signal())
	}
	return state.ExitCode()
}

// arguments is the script's command line: every argument as two words, and what Glue adds within a workflow.
func arguments(run glue.JobRun) []string {
	all := maps.Clone(run.Arguments)
	if all == nil {
		all = map[string]string{}
	}
	if run.WorkflowName != "" {
		all["--WORKFLOW_NAME"], all["--WORKFLOW_RUN_ID"] = run.WorkflowName, run.WorkflowRunID
	}
	var words []string
	for _, name := range slices.Sorted(maps.Keys(all)) {
		words = append(words, name, all[name])
	}
	return words
}

// list splits a comma-separated argument.
func list(s string) []string {
	var items []string
	for item := range strings.SplitSeq(s, ",") {
		if item = strings.TrimSpace(item); item != "" {
			items = append(items, item)
		}
	}
	return items
}
