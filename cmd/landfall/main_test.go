package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
)

func TestExitCodes(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	port := strconv.Itoa(taken.Addr().(*net.TCPAddr).Port)
	// A working copy where nothing was installed.
	bare := t.TempDir()
	if err := os.WriteFile(filepath.Join(bare, "go.mod"), []byte("module "+modulePath+"\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	cases := map[string]struct {
		args           []string
		code           int
		stdout, stderr string
	}{
		"Help":           {[]string{"--help"}, exitOK, "Serve the local AWS endpoint", ""},
		"NoCommand":      {nil, exitError, "", "landfall --help lists the commands"},
		"UnknownCommand": {[]string{"lokal"}, exitError, "", "unexpected argument lokal"},
		"UnknownFlag":    {[]string{"local", "--prot", "1"}, exitError, "", "unknown flag --prot"},
		"NotARoot":       {[]string{"--root", t.TempDir(), "local"}, exitError, "", "not a working copy of Landfall"},
		"PortTaken":      {[]string{"local", "--port", port}, exitError, "", "the port is taken by another program"},
		"NoSetupLocal":   {[]string{"--root", bare, "local", "--port", "0"}, exitError, "", "run make setup"},
		"NoSetupSQL":     {[]string{"--root", bare, "postgres"}, exitError, "", "run make setup"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			var stdout, stderr bytes.Buffer
			code := run(t.Context(), c.args, strings.NewReader(""), &stdout, &stderr)
			if code != c.code || !strings.Contains(stdout.String(), c.stdout) || !strings.Contains(stderr.String(), c.stderr) {
				t.Errorf("code %d, stdout %q, stderr %q; want %d, %q, %q", code, &stdout, &stderr, c.code, c.stdout, c.stderr)
			}
		})
	}
}

// running is a command in the background whose standard output is read line by line.
type running struct {
	stdout *bufio.Scanner
	stderr *bytes.Buffer
	code   chan int
}

func start(ctx context.Context, stdin io.Reader, args ...string) *running {
	r, w := io.Pipe()
	p := &running{stdout: bufio.NewScanner(r), stderr: &bytes.Buffer{}, code: make(chan int, 1)}
	go func() {
		p.code <- run(ctx, args, stdin, w, p.stderr)
		w.Close()
	}()
	return p
}

func TestPostgresStopsWithStandardInput(t *testing.T) {
	stdin, hold := io.Pipe()
	p := start(t.Context(), stdin, "postgres", "--stop-with-stdin", "--database", "hr", "--set", "work_mem=7MB")
	if !p.stdout.Scan() {
		t.Fatalf("nothing printed; exit code %d, %s", <-p.code, p.stderr)
	}
	var a address
	if err := json.Unmarshal(p.stdout.Bytes(), &a); err != nil {
		t.Fatal(err)
	}
	conn, err := pgx.Connect(t.Context(), a.DSN)
	if err != nil {
		t.Fatal(err)
	}
	var setting string
	if err := conn.QueryRow(t.Context(), "SELECT current_database() || current_setting('work_mem')").Scan(&setting); err != nil || setting != "hr7MB" {
		t.Errorf("setting = %q, %v", setting, err)
	}
	hold.Close()
	if code := <-p.code; code != exitOK {
		t.Errorf("exit code %d: %s", code, p.stderr)
	}
	if err := conn.Ping(t.Context()); err == nil {
		t.Error("the server still answers")
	}
}

func TestLocalWithTheSampleDatabase(t *testing.T) {
	ctx, interrupt := context.WithCancel(t.Context())
	defer interrupt()
	dir := t.TempDir()
	p := start(ctx, strings.NewReader(""), "local", "--port", "0", "--postgres", "--dir", dir)
	exported := map[string]string{}
	for len(exported) < 7 && p.stdout.Scan() {
		name, value, _ := strings.Cut(strings.TrimPrefix(p.stdout.Text(), "export "), "=")
		exported[name] = strings.Trim(value, "'")
	}
	if len(exported) != 7 || exported["AWS_ACCESS_KEY_ID"] != "test" || exported["AWS_REGION"] != "eu-west-1" {
		t.Fatalf("exported %v; %s", exported, p.stderr)
	}
	secret := call(t, exported["AWS_ENDPOINT_URL"], "secretsmanager.GetSecretValue", `{"SecretId":"landfall/hr"}`)
	var wrapped struct{ SecretString string }
	var fields struct {
		Username, Password, Host, DBName, Engine string
		Port                                     int
	}
	if err := json.Unmarshal(secret, &wrapped); err != nil {
		t.Fatalf("%s: %v", secret, err)
	}
	if err := json.Unmarshal([]byte(wrapped.SecretString), &fields); err != nil || fields.Engine != "postgres" || fields.DBName != "hr" {
		t.Errorf("secret %s: %v", secret, err)
	}
	conn, err := pgx.Connect(ctx, exported["LANDFALL_HR_DSN"])
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	if got := conn.Config(); int(got.Port) != fields.Port || got.Password != fields.Password || got.User != fields.Username {
		t.Errorf("the secret %+v is not of the database at %s", fields, exported["LANDFALL_HR_DSN"])
	}
	var tables int
	if err := conn.QueryRow(ctx, "SELECT count(*) FROM information_schema.tables WHERE table_schema = 'hr'").Scan(&tables); err != nil || tables < 8 {
		t.Errorf("%d sample tables, %v", tables, err)
	}
	discoverBySecret(t, exported, fields.Password)
	interrupt()
	if code := <-p.code; code != exitOK {
		t.Errorf("exit code %d: %s", code, p.stderr)
	}
	if !strings.Contains(p.stderr.String(), "Ctrl-C stops it.") {
		t.Errorf("stderr %s", p.stderr)
	}
	if _, err := http.Get(exported["AWS_ENDPOINT_URL"]); err == nil {
		t.Error("the endpoint still answers")
	}
	if _, err := os.Stat(filepath.Join(dir, "moto.log")); err != nil {
		t.Errorf("the folder that was named is kept: %v", err)
	}
}

// call makes one call of a JSON protocol.
func call(t *testing.T, url, target, body string) []byte {
	t.Helper()
	r, err := http.NewRequest(http.MethodPost, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("X-Amz-Target", target)
	r.Header.Set("Content-Type", "application/x-amz-json-1.1")
	r.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=test/20260101/eu-west-1/secretsmanager/aws4_request, SignedHeaders=host, Signature=0")
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer
}

func TestFindRoot(t *testing.T) {
	want, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	if got, err := findRoot(""); err != nil || got != want {
		t.Errorf("from the current folder: %q, %v; want %q", got, err, want)
	}
	t.Chdir(t.TempDir())
	if got, err := findRoot(want); err != nil || got != want {
		t.Errorf("given: %q, %v", got, err)
	}
	// The test's executable is outside the working copy, too.
	if got, err := findRoot(""); err == nil || !strings.Contains(err.Error(), "use --root") {
		t.Errorf("outside: %q, %v", got, err)
	}
}
