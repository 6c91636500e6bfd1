package glue

import (
	"bytes"
	"context"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"
)

//go:embed awsglue/host.py awsglue/blueprint/*.py
var library embed.FS

const (
	layoutProcesses = 4
	maxLayoutBytes  = 16 << 20
)

// layoutRequest is what host.py reads.
type layoutRequest struct {
	Generator    string                     `json:"generator"`
	Path         string                     `json:"path"`
	UserParams   map[string]json.RawMessage `json:"user_params"`
	SystemParams map[string]string          `json:"system_params"`
	Suffix       string                     `json:"suffix"`
}

// layoutAnswer is what host.py writes.
type layoutAnswer struct {
	Layout *layout `json:"layout"`
	Error  *struct {
		Type    string `json:"type"`
		Message string `json:"message"`
	} `json:"error"`
	// Died is how a process ended without an answer.
	Died string `json:"died"`
}

// generate runs a layout generator in a process of its own. Errors are in the words of a blueprint run's
// ErrorMessage.
func (s *Server) generate(def *definition, values map[string]json.RawMessage, suffix string) (*layout, error) {
	if def.configError != "" {
		return nil, errors.New(def.configError)
	}
	if s.config.Layouts == nil {
		return s.generateAnew(def, values, suffix)
	}
	return s.config.Layouts.generate(s, def, values, suffix)
}

func (s *Server) generateAnew(def *definition, values map[string]json.RawMessage, suffix string) (*layout, error) {
	select {
	case s.layout <- struct{}{}:
		defer func() { <-s.layout }()
	case <-s.ctx.Done():
		return nil, s.ctx.Err()
	}
	request := layoutRequest{
		Generator: def.generator, UserParams: values, Suffix: suffix,
		SystemParams: map[string]string{"region": s.config.Region, "accountId": s.config.AccountID},
	}
	var answer *layoutAnswer
	var err error
	if s.config.KeepPython {
		answer, err = s.askHost(def, request)
	} else {
		answer, err = s.askOnce(def, request)
	}
	switch {
	case err != nil:
		return nil, fmt.Errorf("%s%w", layoutErrorPrefix, err)
	case answer.Error != nil:
		return nil, fmt.Errorf("%s%s: %s", layoutErrorPrefix, answer.Error.Type, answer.Error.Message)
	case answer.Died != "":
		return nil, fmt.Errorf("%sthe process ended without an answer: %s", layoutErrorPrefix, answer.Died)
	case answer.Layout == nil:
		return nil, fmt.Errorf("%sit returned nothing", layoutErrorPrefix)
	}
	return answer.Layout, nil
}

// askOnce runs the generator in a process and a folder of its own.
func (s *Server) askOnce(def *definition, request layoutRequest) (*layoutAnswer, error) {
	dir, err := os.MkdirTemp("", "glue-layout-")
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	tmp, lib, err := def.unpack(dir)
	if err != nil {
		return nil, err
	}
	request.Path = def.path(tmp)
	return s.python(tmp, lib, marshal(request))
}

// path is where the layout's modules are imported from.
func (d *definition) path(tmp string) string {
	if d.root {
		return filepath.Join(tmp, d.folder)
	}
	return tmp
}

// unpack lays the ZIP out as Glue does under /tmp, so that blueprint.cfg is /tmp/<name of the ZIP>/blueprint.cfg in
// both forms, and the awsglue package beside it.
func (d *definition) unpack(dir string) (tmp, lib string, err error) {
	tmp, lib = filepath.Join(dir, "tmp"), filepath.Join(dir, "lib")
	files, err := unzip(d.zip)
	if err != nil {
		return "", "", err
	}
	base := tmp
	if d.root {
		base = filepath.Join(tmp, d.folder)
	}
	for name, content := range files {
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
func (s *Server) python(tmp, lib string, request []byte) (*layoutAnswer, error) {
	ctx, cancel := context.WithTimeout(s.ctx, s.config.Behaviour.LayoutTimeout)
	defer cancel()
	var stderr tail
	cmd := exec.CommandContext(ctx, s.config.Python, "-I", "-B", filepath.Join(lib, "awsglue", "host.py"))
	cmd.Stdin, cmd.Stdout, cmd.Stderr = bytes.NewReader(request), &stderr, &stderr
	read, err := start(cmd, tmp)
	if err != nil {
		return nil, err
	}
	defer func() { _ = read.Close() }()
	_ = read.SetReadDeadline(time.Now().Add(s.config.Behaviour.LayoutTimeout + time.Second))
	output, _ := io.ReadAll(io.LimitReader(read, maxLayoutBytes))
	_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) // what the generator left behind; its group exists until Wait
	err = cmd.Wait()
	s.config.Log.Debug("layout generator", "output", stderr.String())
	if ctx.Err() != nil {
		return nil, fmt.Errorf("TimeoutError: the layout generator took longer than %v", s.config.Behaviour.LayoutTimeout)
	}
	answer := &layoutAnswer{}
	if json.Unmarshal(output, answer) != nil {
		return nil, fmt.Errorf("the process ended without an answer: %v: %s", err, stderr.String())
	}
	return answer, nil
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
