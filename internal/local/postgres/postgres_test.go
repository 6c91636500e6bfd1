package postgres

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

const root = "../../.."

// TestMain lets the test start itself as a program that starts a server and waits to be killed.
func TestMain(m *testing.M) {
	if dir := os.Getenv("POSTGRES_TEST_DIR"); dir != "" {
		s, err := Start(context.Background(), Config{Root: root, Dir: dir})
		if err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		fmt.Println(s.cmd.Process.Pid)
		select {}
	}
	os.Exit(m.Run())
}

func start(t *testing.T, c Config) *Server {
	t.Helper()
	c.Root = root
	s, err := Start(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Stop() })
	return s
}

// query returns one value as text.
func query(t *testing.T, s *Server, sql string) string {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), s.DSN())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	var value string
	if err := conn.QueryRow(t.Context(), sql).Scan(&value); err != nil {
		t.Fatal(err)
	}
	return value
}

func alive(pid int) bool {
	stat, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "stat"))
	return err == nil && !strings.Contains(string(stat), ") Z ")
}

func TestStartAndStop(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "new")
	s := start(t, Config{Dir: dir, Database: `hr "x"`, Password: "p@ss/word %41", Settings: map[string]string{"work_mem": "7MB"}})
	for sql, want := range map[string]string{
		"SELECT current_database()":                                    `hr "x"`,
		"SELECT current_user":                                          "postgres",
		"SELECT current_setting('work_mem')":                           "7MB",
		"SELECT current_setting('max_connections')":                    "100",
		"SELECT current_setting('max_prepared_transactions')":          "10",
		"SELECT current_setting('fsync')":                              "off",
		"SELECT current_setting('timezone')":                           "UTC",
		"SELECT current_setting('server_encoding')":                    "UTF8",
		"SELECT split_part(current_setting('server_version'), '.', 1)": "16",
	} {
		if got := query(t, s, sql); got != want {
			t.Errorf("%s = %q, want %q", sql, got, want)
		}
	}
	pid := s.cmd.Process.Pid
	// A connection that stays open must not hold up the stop.
	conn, err := pgx.Connect(t.Context(), s.DSN())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	for range 2 {
		if err := s.Stop(); err != nil {
			t.Errorf("Stop = %v", err)
		}
	}
	if alive(pid) {
		t.Errorf("server %d still runs", pid)
	}
	if left, _ := os.ReadDir(dir); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
	if conn, err := net.Dial("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(s.config.Port))); err == nil {
		conn.Close()
		t.Errorf("port %d still answers", s.config.Port)
	}
}

// TestOtherUser pins the way taken where user namespaces are forbidden.
func TestOtherUser(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root may start a server as another user")
	}
	native, err := Binaries(root)
	if err != nil {
		t.Fatal(err)
	}
	other := namedUser()
	c := Config{Dir: t.TempDir(), Database: "hr", Password: "p"}
	if err := os.Chmod(filepath.Dir(c.Dir), 0o755); err != nil { // the test's own folder is root's alone
		t.Fatal(err)
	}
	if err := choosePort(&c); err != nil {
		t.Fatal(err)
	}
	s, err := startAs(t.Context(), c, native, identity{credential: &other})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Stop()
	if got := query(t, s, "SELECT current_database()"); got != "hr" {
		t.Errorf("current_database() = %q", got)
	}
	status, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(s.cmd.Process.Pid), "status"))
	if err != nil || !strings.Contains(string(status), fmt.Sprintf("Uid:\t%d\t", other.Uid)) {
		t.Errorf("the server does not run as user %d: %v", other.Uid, err)
	}
	if err := s.Stop(); err != nil {
		t.Error(err)
	}
	if left, _ := os.ReadDir(c.Dir); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

func TestKilledParentTakesTheServerAlong(t *testing.T) {
	dir := t.TempDir()
	parent := exec.Command(os.Args[0])
	parent.Env = append(os.Environ(), "POSTGRES_TEST_DIR="+dir)
	out, err := parent.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := parent.Start(); err != nil {
		t.Fatal(err)
	}
	line, _ := bufio.NewReader(out).ReadString('\n')
	pid, err := strconv.Atoi(strings.TrimSpace(line))
	if err != nil {
		t.Fatalf("the parent said %q", line)
	}
	if !alive(pid) {
		t.Fatalf("server %d does not run", pid)
	}
	if err := parent.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = parent.Wait()
	for deadline := time.Now().Add(5 * time.Minute); alive(pid); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("server %d outlives its parent", pid)
		}
	}
}

func TestStartCutOffLeavesNothing(t *testing.T) {
	dir := t.TempDir()
	for wait := 20 * time.Millisecond; wait < 600*time.Millisecond; wait += 60 * time.Millisecond {
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(wait, cancel)
		s, err := Start(ctx, Config{Root: root, Dir: dir, Database: "hr"})
		cancel()
		if err == nil {
			_ = s.Stop()
			break // it was up before it was cut off, and so it is from here on
		}
		if !errors.Is(err, context.Canceled) || strings.Contains(err.Error(), "\n") {
			t.Errorf("cut off after %v: %v; want one line about a cancelled context", wait, err)
		}
	}
	if left, _ := os.ReadDir(dir); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

func TestRefusals(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	cases := map[string]struct {
		config Config
		want   string
	}{
		"NoSetup":   {Config{Root: t.TempDir()}, "run make setup"},
		"PortTaken": {Config{Root: root, Port: taken.Addr().(*net.TCPAddr).Port}, "address already in use"},
		"Setting":   {Config{Root: root, Settings: map[string]string{"no_such_setting": "1"}}, `unrecognized configuration parameter "no_such_setting"`},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			c.config.Dir = t.TempDir()
			s, err := Start(t.Context(), c.config)
			if err == nil {
				_ = s.Stop()
			}
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("Start = %v, want an error with %q", err, c.want)
			}
			if left, _ := os.ReadDir(c.config.Dir); len(left) > 0 {
				t.Errorf("left behind: %v", left)
			}
		})
	}
}

func TestLoadAndSecret(t *testing.T) {
	s := start(t, Config{Dir: t.TempDir(), Database: "hr"})
	script := filepath.Join(t.TempDir(), "schema.sql")
	if err := os.WriteFile(script, []byte("CREATE SCHEMA hr; CREATE TABLE hr.t (a int);\nINSERT INTO hr.t SELECT generate_series(1, 5);"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := s.Load(t.Context(), script); err != nil {
		t.Fatal(err)
	}
	if got := query(t, s, "SELECT count(*)::text FROM hr.t"); got != "5" {
		t.Errorf("loaded %s rows", got)
	}
	if err := s.Load(t.Context(), script); err == nil || !strings.Contains(err.Error(), `load database "hr": schema.sql: ERROR: schema "hr" already exists`) {
		t.Errorf("Load of a failing script = %v", err)
	}
	var secret map[string]any
	if err := json.Unmarshal([]byte(s.Secret()), &secret); err != nil {
		t.Fatal(err)
	}
	for field, want := range map[string]any{
		"username": "postgres", "password": s.config.Password, "engine": "postgres", "host": "127.0.0.1",
		"port": float64(s.config.Port), "dbname": "hr",
	} {
		if secret[field] != want {
			t.Errorf("secret field %s = %v, want %v", field, secret[field], want)
		}
	}
}
