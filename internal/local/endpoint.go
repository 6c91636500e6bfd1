// Package local serves AWS on one machine: one HTTP endpoint that the AWS CLI, the SDKs and the CDK CLI talk to
// unchanged (AWS_ENDPOINT_URL). Glue's workflows and Lambda's invocation are served here; everything else is moto
// behind a reverse proxy, which also bridges what moto leaves out.
package local

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/httputil"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"syscall"
	"time"

	"github.com/landfall/landfall/internal/local/functions"
	"github.com/landfall/landfall/internal/local/glue"
	"github.com/landfall/landfall/internal/local/jobs"
)

// DefaultAddr is where the endpoint listens by default.
const DefaultAddr = "127.0.0.1:4566"

// DefaultRegion is the region of requests that name none.
const DefaultRegion = "eu-west-1"

// AccountID is the one account of the endpoint: moto's.
const AccountID = "123456789012"

// Config says how to serve. Only Root is required.
type Config struct {
	// Addr is host:port; port 0 picks a free one. Empty means DefaultAddr. A loopback host is served on both
	// 127.0.0.1 and ::1, so that "localhost" works whichever it means.
	Addr string
	// Root is the working copy whose build/ folder holds moto, Python and Java.
	Root string
	// Dir takes logs and scratch files and is kept. Empty means a temporary folder that Close removes.
	Dir string
	// Glue configures the Glue service. Objects, Python, Runner, AccountID, Region and Log have working defaults.
	Glue glue.Config
	Log  *slog.Logger
}

// Endpoint is a running local AWS endpoint.
type Endpoint struct {
	config    Config
	port      int
	dir       string
	temporary bool
	log       *slog.Logger

	clients   clients
	moto      *moto
	proxy     *httputil.ReverseProxy
	functions *functions.Service
	source    *functionSource
	glue      *glue.Server
	uploads   *uploads
	server    *http.Server

	close    sync.Once
	closeErr error
}

// Start serves until Close. It returns when every service answers; the context bounds the start only.
func Start(ctx context.Context, c Config) (*Endpoint, error) {
	c.Addr = cmp.Or(c.Addr, DefaultAddr)
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	listeners, err := listen(c.Addr)
	if err != nil {
		return nil, err
	}
	e := &Endpoint{config: c, dir: c.Dir, log: c.Log, port: listeners[0].Addr().(*net.TCPAddr).Port}
	if err := e.start(ctx); err != nil {
		for _, l := range listeners {
			_ = l.Close()
		}
		return nil, errors.Join(err, e.Close())
	}
	e.server = &http.Server{Handler: e, ReadHeaderTimeout: time.Minute, ErrorLog: slog.NewLogLogger(c.Log.Handler(), slog.LevelWarn)}
	for _, l := range listeners {
		go func() { _ = e.server.Serve(l) }()
	}
	return e, nil
}

func (e *Endpoint) start(ctx context.Context) (err error) {
	if e.config.Root, err = filepath.Abs(e.config.Root); err != nil {
		return fmt.Errorf("find the working copy: %w", err)
	}
	if e.dir == "" {
		e.temporary = true
		e.dir, err = os.MkdirTemp("", "landfall-aws-")
	} else if e.dir, err = filepath.Abs(e.dir); err == nil {
		err = os.MkdirAll(e.dir, 0o755)
	}
	if err != nil {
		return fmt.Errorf("create the endpoint's folder: %w", err)
	}
	lambdaDir := filepath.Join(e.dir, "functions")
	e.source = &functionSource{zips: filepath.Join(lambdaDir, "zips")}
	if e.moto, err = startMoto(ctx, e.config.Root, e.dir, e.source.zips, e.port); err != nil {
		return err
	}
	e.clients = newClients(e.moto.url, DefaultRegion)
	e.proxy = newProxy(e.moto.url, e.log)
	e.source.clients = e.clients
	e.functions = functions.New(functions.Config{Source: e.source, Dir: lambdaDir, EndpointURL: e.URL(), Log: e.log})
	e.uploads = newUploads(e.clients, e.log)
	e.glue = glue.New(e.glueConfig())
	return nil
}

// glueConfig completes the Glue service's configuration with S3, Python and a runner of jobs.
func (e *Endpoint) glueConfig() glue.Config {
	c := e.config.Glue
	c.AccountID = cmp.Or(c.AccountID, AccountID)
	c.Region = cmp.Or(c.Region, DefaultRegion)
	c.Python = cmp.Or(c.Python, filepath.Join(e.config.Root, "build/venv/bin/python"))
	if c.Log == nil {
		c.Log = e.log
	}
	if c.Objects == nil {
		c.Objects = e.readObject
	}
	if c.Runner == nil {
		c.Runner = jobs.New(jobs.Config{
			Root: e.config.Root, Dir: filepath.Join(e.dir, "jobs"), EndpointURL: e.URL(), Region: c.Region,
			Objects: e.readObject, Log: e.log,
		})
	}
	return c
}

func (e *Endpoint) readObject(ctx context.Context, bucket, key string) ([]byte, error) {
	return getObject(ctx, e.clients.s3, bucket, key)
}

// URL is the endpoint's address for SDKs and the AWS CLI. The CDK CLI needs the host "localhost" instead: see CDKURL.
func (e *Endpoint) URL() string { return "http://127.0.0.1:" + strconv.Itoa(e.port) }

// CDKURL is the endpoint's address for the CDK CLI: moto finds the bucket in a template's URL only when the host is
// literally localhost. The Go SDK is the other way round: it takes localhost as the base of bucket host names.
func (e *Endpoint) CDKURL() string { return "http://localhost:" + strconv.Itoa(e.port) }

// Dir is the folder with the endpoint's logs: moto.log, functions/logs/<function>.log, jobs/<job run>.log.
func (e *Endpoint) Dir() string { return e.dir }

// Ended is closed when moto has ended, by Close or by itself; the endpoint is of no use then.
func (e *Endpoint) Ended() <-chan struct{} { return e.moto.exited }

// Functions lists what was measured about each invoked Lambda function.
func (e *Endpoint) Functions() []functions.Stats { return e.functions.Stats() }

// Close ends the endpoint with every process it started, and removes its folder unless Config.Dir named one. It may
// be called more than once.
func (e *Endpoint) Close() error {
	e.close.Do(func() {
		if e.server != nil {
			e.closeErr = e.server.Close()
		}
		if e.uploads != nil {
			e.uploads.close()
		}
		if e.glue != nil {
			e.glue.Close()
		}
		if e.functions != nil {
			e.functions.Close()
		}
		if e.moto != nil {
			e.moto.close()
		}
		if e.temporary && e.dir != "" {
			e.closeErr = errors.Join(e.closeErr, os.RemoveAll(e.dir))
		}
	})
	return e.closeErr
}

// listen opens the address, for a loopback host on both address families where the machine has them.
func listen(addr string) ([]net.Listener, error) {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, fmt.Errorf("listen on %q: %w", addr, err)
	}
	if host != "localhost" && host != "127.0.0.1" && host != "::1" {
		l, err := net.Listen("tcp", addr)
		if err != nil {
			return nil, listenError(addr, err)
		}
		return []net.Listener{l}, nil
	}
	const tries = 10 // a port chosen on one family may be taken on the other
	for try := 1; ; try++ {
		v4, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", port))
		if err != nil {
			return nil, listenError(addr, err)
		}
		chosen := strconv.Itoa(v4.Addr().(*net.TCPAddr).Port)
		v6, err := net.Listen("tcp", net.JoinHostPort("::1", chosen))
		switch {
		case err == nil:
			return []net.Listener{v4, v6}, nil
		case !errors.Is(err, syscall.EADDRINUSE): // no IPv6 here
			return []net.Listener{v4}, nil
		}
		_ = v4.Close()
		if port != "0" || try == tries {
			return nil, listenError(addr, err)
		}
	}
}

func listenError(addr string, err error) error {
	if errors.Is(err, syscall.EADDRINUSE) {
		return fmt.Errorf("listen on %s: the port is taken by another program: stop that, or choose another port: %w", addr, err)
	}
	return fmt.Errorf("listen on %s: %w", addr, err)
}
