package jobs

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/landfall/landfall/internal/local/glue"
)

// root is the working copy.
const root = "../../.."

type fixture struct {
	*Runner
	dir string
	mu  sync.Mutex
	s3  map[string][]byte
}

func newFixture(t *testing.T) *fixture {
	t.Helper()
	absolute, err := filepath.Abs(root)
	if err != nil {
		t.Fatal(err)
	}
	f := &fixture{dir: t.TempDir(), s3: map[string][]byte{}}
	f.Runner = New(Config{Root: absolute, Dir: f.dir, EndpointURL: "http://127.0.0.1:1", Region: "eu-west-1", Objects: f.object})
	return f
}

func (f *fixture) object(_ context.Context, bucket, key string) ([]byte, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if content, ok := f.s3[bucket+"/"+key]; ok {
		return content, nil
	}
	return nil, errors.New("NoSuchKey")
}

// run runs a script as a Python shell job run.
func (f *fixture) run(t *testing.T, script string, arguments map[string]string) error {
	t.Helper()
	return f.runAs(t, "pythonshell", script, arguments)
}

func (f *fixture) runAs(t *testing.T, command, script string, arguments map[string]string) error {
	t.Helper()
	f.s3["b/jobs/script.py"] = []byte(script)
	return f.Run(t.Context(), glue.JobRun{
		ID: "jr_1", JobName: "j", CommandName: command, ScriptLocation: "s3://b/jobs/script.py", Arguments: arguments,
		WorkflowName: "w", WorkflowRunID: "wr_1",
	})
}

func (f *fixture) log(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile(f.LogPath("jr_1"))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func zipped(t *testing.T, files map[string]string) []byte {
	t.Helper()
	var buffer bytes.Buffer
	w := zip.NewWriter(&buffer)
	for name, content := range files {
		f, err := w.Create(name)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.Write([]byte(content)); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return buffer.Bytes()
}

// wheel makes a pure Python wheel of one module.
func wheel(t *testing.T, name, content string) []byte {
	t.Helper()
	info := name + "-1.0.dist-info/"
	return zipped(t, map[string]string{
		name + ".py":      content,
		info + "METADATA": "Metadata-Version: 2.1\nName: " + name + "\nVersion: 1.0\n",
		info + "WHEEL":    "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
		info + "RECORD":   name + ".py,,\n" + info + "METADATA,,\n" + info + "WHEEL,,\n" + info + "RECORD,,\n",
	})
}

func TestArgumentsAndEnvironment(t *testing.T) {
	t.Setenv("SECRET_OF_THIS_MACHINE", "1")
	f := newFixture(t)
	err := f.run(t, `
import json, os, sys
print(json.dumps({"argv": sys.argv[1:], "env": sorted(os.environ), "region": os.environ["AWS_REGION"],
                  "endpoint": os.environ["AWS_ENDPOINT_URL"], "version": sys.version_info[:2], "cwd": os.getcwd()}))
`, map[string]string{"--source_table": "hr.employees", "--file_count": "", "--JOB_RUN_ID": "jr_1"})
	if err != nil {
		t.Fatal(err)
	}
	var got struct {
		Argv, Env        []string
		Region, Endpoint string
		Version          [2]int
		Cwd              string
	}
	if err := json.Unmarshal([]byte(f.log(t)), &got); err != nil {
		t.Fatalf("log %q: %v", f.log(t), err)
	}
	wantArguments := []string{"--JOB_RUN_ID", "jr_1", "--WORKFLOW_NAME", "w", "--WORKFLOW_RUN_ID", "wr_1", "--file_count", "", "--source_table", "hr.employees"}
	if diff := cmp.Diff(wantArguments, got.Argv); diff != "" {
		t.Errorf("arguments (-want +got):\n%s", diff)
	}
	wantEnvironment := []string{
		"AWS_ACCESS_KEY_ID", "AWS_DEFAULT_REGION", "AWS_EC2_METADATA_DISABLED", "AWS_ENDPOINT_URL", "AWS_REGION",
		"AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "HOME", "LANG", "PATH", "PYTHONPATH", "PYTHONUNBUFFERED", "TMPDIR", "TZ",
	}
	if diff := cmp.Diff(wantEnvironment, got.Env); diff != "" {
		t.Errorf("environment (-want +got):\n%s", diff)
	}
	if got.Region != "eu-west-1" || got.Endpoint != "http://127.0.0.1:1" || got.Version != shellVersion() {
		t.Errorf("got %+v", got)
	}
	if _, err := os.Stat(got.Cwd); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the scratch folder %s is left behind", got.Cwd)
	}
}

// shellVersion is the Python that a Python shell job run gets: 3.9 where this machine has it.
func shellVersion() [2]int {
	if exists(filepath.Join(root, "build/venv39/bin/python")) {
		return [2]int{3, 9}
	}
	return [2]int{3, 11}
}

func TestMessageOfAFailedJobRun(t *testing.T) {
	cases := map[string]struct{ reason, script, want string }{
		"Exit":      {"sys.exit(text) writes the text to standard error", `import sys; sys.exit("table hr.x does not exist")`, "table hr.x does not exist"},
		"Exception": {"of a traceback only its last line", "def f():\n  raise ValueError('no such column')\nf()", "ValueError: no such column"},
		"LastLine":  {"the last line that says something", `import sys; print("first", file=sys.stderr); print("second\n\n", file=sys.stderr); sys.exit(1)`, "second"},
		"NoNewline": {"", `import sys; sys.stderr.write("cut"); sys.exit(1)`, "cut"},
		"Spark": {
			"Spark's log lines and Java's stack trace are not the message",
			`import sys; print("the reason\n26/01/02 03:04:05 WARN Utils: x\n\tat java.lang.X\nCaused by: y\n... 3 more", file=sys.stderr); sys.exit(1)`,
			"the reason",
		},
		"StandardOutput": {"what goes to standard output is not a message", `import sys; print("out"); sys.exit(4)`, "Command failed with exit code 4"},
		"Killed":         {"a killed process ends as a shell has it", `import os; os.kill(os.getpid(), 9)`, "Command failed with exit code 137"},
		"Syntax":         {"", "def", "SyntaxError: invalid syntax"},
		"Progress":       {"a progress bar writes over itself", `import sys; sys.stderr.write("[==> ]\r     \rover\r\n"); sys.exit(1)`, "over"},
		"Long":           {"", `import sys; sys.exit("x" * 100000)`, strings.Repeat("x", maxMessage)},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			err := newFixture(t).run(t, c.script, nil)
			if err == nil || err.Error() != c.want {
				t.Errorf("error = %v, want %q: %s", err, c.want, c.reason)
			}
		})
	}
}

func TestRefusedJobRuns(t *testing.T) {
	cases := map[string]struct {
		run  glue.JobRun
		want string
	}{
		"Command":  {glue.JobRun{CommandName: "gluestreaming"}, `job command "gluestreaming" does not run locally`},
		"NoScript": {glue.JobRun{CommandName: "glueetl", ScriptLocation: "s3://b/none.py"}, "job script: read s3://b/none.py: NoSuchKey"},
		"NotS3":    {glue.JobRun{CommandName: "glueetl", ScriptLocation: "none.py"}, `job script: "none.py" is not an S3 location`},
		"Extra": {
			glue.JobRun{CommandName: "glueetl", ScriptLocation: "s3://b/ok.py", Arguments: map[string]string{"--extra-py-files": "s3://b/none.zip"}},
			"--extra-py-files: read s3://b/none.zip: NoSuchKey",
		},
		"PyPI": {
			glue.JobRun{CommandName: "glueetl", ScriptLocation: "s3://b/ok.py", Arguments: map[string]string{"--additional-python-modules": "duckdb==1.4.4"}},
			`--additional-python-modules: "duckdb==1.4.4": only wheels in S3 are installed locally`,
		},
		"NotAWheel": {
			glue.JobRun{CommandName: "glueetl", ScriptLocation: "s3://b/ok.py", Arguments: map[string]string{"--additional-python-modules": "s3://b/bad-1.0-py3-none-any.whl"}},
			"--additional-python-modules: install wheels",
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t)
			f.s3["b/ok.py"], f.s3["b/bad-1.0-py3-none-any.whl"] = nil, []byte("no wheel")
			c.run.ID = "jr_1"
			if err := f.Run(t.Context(), c.run); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error = %v, want %q", err, c.want)
			}
		})
	}
}

func TestFilesAndWheels(t *testing.T) {
	f := newFixture(t)
	f.s3["b/a.zip"] = zipped(t, map[string]string{"landing/__init__.py": "", "landing/x.py": "A = 'zip'"})
	f.s3["b/b.py"] = []byte("B = 'file'")
	f.s3["b/w/c-1.0-py3-none-any.whl"] = wheel(t, "c", "C = 'wheel'")
	f.s3["b/w/d-1.0-py3-none-any.whl"] = wheel(t, "d", "D = 'second wheel'")
	arguments := map[string]string{
		"--extra-py-files":            "s3://b/a.zip, s3://b/b.py",
		"--additional-python-modules": "s3://b/w/c-1.0-py3-none-any.whl,s3://b/w/d-1.0-py3-none-any.whl",
	}
	script := "from landing.x import A\nimport b, c, d\nprint(A, b.B, c.C, d.D)"
	for range 2 {
		if err := f.run(t, script, arguments); err != nil {
			t.Fatalf("%v\n%s", err, f.log(t))
		}
		if got, want := f.log(t), "zip file wheel second wheel\n"; got != want {
			t.Errorf("log = %q, want %q", got, want)
		}
	}
	installed := func() int {
		entries, err := os.ReadDir(filepath.Join(f.dir, "modules"))
		if err != nil {
			t.Fatal(err)
		}
		return len(entries)
	}
	if n := installed(); n != 1 {
		t.Errorf("%d installations of one set of wheels", n)
	}
	// New content under the same name is a new installation.
	f.s3["b/w/c-1.0-py3-none-any.whl"] = wheel(t, "c", "C = 'new wheel'")
	if err := f.run(t, script, arguments); err != nil || !strings.Contains(f.log(t), "new wheel") || installed() != 2 {
		t.Errorf("error %v, log %q, %d installations", err, f.log(t), installed())
	}
}
