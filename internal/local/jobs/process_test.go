package jobs

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/landfall/landfall/internal/local/glue"
)

func TestStopLeavesNothingRunning(t *testing.T) {
	f := newFixture(t)
	pids := filepath.Join(t.TempDir(), "pids")
	// The child moves to a group of its own, as Spark's Python daemon does.
	f.s3["b/s.py"] = fmt.Appendf(nil, `
import os, subprocess, time
child = subprocess.Popen(["sleep", "1000"], preexec_fn=lambda: os.setpgid(0, 0))
open(%q, "w").write(f"{os.getpid()} {child.pid}")
os.rename(%q, %q)
time.sleep(1000)
`, pids+".new", pids+".new", pids)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() {
		ended <- f.Run(ctx, glue.JobRun{ID: "jr_1", CommandName: "pythonshell", ScriptLocation: "s3://b/s.py"})
	}()
	var script, child int
	for deadline := time.Now().Add(5 * time.Minute); child == 0; time.Sleep(5 * time.Millisecond) {
		if text, err := os.ReadFile(pids); err == nil {
			_, _ = fmt.Sscan(string(text), &script, &child)
		}
		if time.Now().After(deadline) {
			t.Fatal("the script did not start")
		}
	}
	cancel()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("Run = %v, want context.Canceled", err)
	}
	for _, pid := range []int{script, child} {
		if syscall.Kill(pid, 0) == nil && !zombie(pid) {
			t.Errorf("process %d still runs", pid)
		}
	}
}

// zombie reports whether a process is dead and was not collected yet: an orphan waits for the machine's init.
func zombie(pid int) bool {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	return err == nil && bytes.Contains(stat, []byte(") Z "))
}

func TestSpark(t *testing.T) {
	f := newFixture(t)
	err := f.runAs(t, "glueetl", `
from pyspark.sql import SparkSession
spark = SparkSession.builder.getOrCreate()
total = spark.sparkContext.parallelize(range(100), 4).map(lambda x: x * 2).sum()
print("spark", spark.version, total, spark.conf.get("spark.sql.session.timeZone"))
raise SystemExit(f"after spark {spark.sparkContext.master}")
`, nil)
	if err == nil || err.Error() != "after spark local[2]" {
		t.Errorf("error = %v, want the script's own\n%s", err, f.log(t))
	}
	if got, want := f.log(t), "spark 3.5.6 9900 UTC"; !strings.Contains(got, want) {
		t.Errorf("log lacks %q:\n%s", want, got)
	}
}
