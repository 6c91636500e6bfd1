package local

import (
	"context"
	_ "embed" // the server's program
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/landfall/landfall/internal/local/process"
)

// motoStartTimeout bounds the wait for moto's first answer; it imports much Python.
const motoStartTimeout = 3 * time.Minute

//go:embed moto_server.py
var motoServer []byte

// moto is the running moto server, which serves every AWS service that is not served here.
type moto struct {
	url     string
	cmd     *exec.Cmd
	logPath string
	exited  chan struct{}
}

// startMoto starts moto and waits until it answers. The state machine interpreter inside it calls back through
// frontPort, so that Task states reach the services served here. The ZIPs of deployed functions go to the zips folder.
func startMoto(ctx context.Context, root, dir, zips string, frontPort int) (*moto, error) {
	python := filepath.Join(root, "build/venv/bin/python")
	if _, err := os.Stat(filepath.Join(root, "build/venv/bin/moto_server")); err != nil {
		return nil, fmt.Errorf("start moto: %w: run make setup", err)
	}
	port, err := freePort()
	if err != nil {
		return nil, fmt.Errorf("start moto: %w", err)
	}
	program := filepath.Join(dir, "moto_server.py")
	if err := errors.Join(os.WriteFile(program, motoServer, 0o644), os.MkdirAll(zips, 0o755)); err != nil {
		return nil, fmt.Errorf("start moto: %w", err)
	}
	m := &moto{
		url: "http://127.0.0.1:" + strconv.Itoa(port), logPath: filepath.Join(dir, "moto.log"),
		exited: make(chan struct{}),
	}
	log, err := os.Create(m.logPath)
	if err != nil {
		return nil, fmt.Errorf("start moto: %w", err)
	}
	defer log.Close() // the process has its own
	m.cmd = exec.CommandContext(context.Background(), python, "-W", "ignore", program, "-H", "127.0.0.1", "-p", strconv.Itoa(port))
	m.cmd.Dir = dir
	m.cmd.Env = []string{
		"PATH=" + filepath.Dir(python) + ":/usr/bin:/bin", "HOME=" + dir, "TMPDIR=" + dir, "LANG=C.UTF-8", "TZ=UTC",
		"PYTHONUNBUFFERED=1", "PYTHONDONTWRITEBYTECODE=1",
		"LANDFALL_ZIPS=" + zips,
		"MOTO_PORT=" + strconv.Itoa(frontPort), "MOTO_SF_EXECUTION_HISTORY_TYPE=SUCCESS",
		"AWS_ACCESS_KEY_ID=test", "AWS_SECRET_ACCESS_KEY=test", "AWS_EC2_METADATA_DISABLED=true",
	}
	m.cmd.Stdout, m.cmd.Stderr = log, log
	process.Own(m.cmd)
	if err := m.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start moto: %w", err)
	}
	go func() {
		_ = m.cmd.Wait()
		close(m.exited)
	}()
	if err := m.await(ctx); err != nil {
		m.close()
		return nil, err
	}
	return m, nil
}

// await polls until moto took its configuration: the interpreter is off by default, and has to be on before the
// first state machine is created.
func (m *moto) await(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, motoStartTimeout)
	defer cancel()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		err := m.configure(ctx)
		if err == nil {
			return nil
		}
		select {
		case <-m.exited:
			return fmt.Errorf("start moto: it exited%s", tail(m.logPath))
		case <-ctx.Done():
			return fmt.Errorf("start moto: no answer: %w%s", errors.Join(ctx.Err(), err), tail(m.logPath))
		case <-tick.C:
		}
	}
}

func (m *moto) configure(ctx context.Context) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, m.url+"/moto-api/config",
		strings.NewReader(`{"stepfunctions":{"execute_state_machine":true}}`))
	if err != nil {
		return err
	}
	r.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode/100 != 2 {
		return fmt.Errorf("configure moto: HTTP %d", resp.StatusCode)
	}
	return nil
}

// close kills moto, which has no state to save.
func (m *moto) close() {
	process.Kill(m.cmd)
	<-m.exited
}

func freePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port, nil
}

// tail returns the end of a log file for an error message, or nothing.
func tail(path string) string {
	data, err := os.ReadFile(path)
	if err != nil || len(data) == 0 {
		return ""
	}
	return ":\n" + string(data[max(0, len(data)-2000):])
}
