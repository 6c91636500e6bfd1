package main

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"path/filepath"
	"strings"

	"github.com/landfall/landfall/internal/local"
	"github.com/landfall/landfall/internal/local/glue"
	"github.com/landfall/landfall/internal/local/sample"
)

// localCommand serves the local AWS endpoint.
type localCommand struct {
	Port      int    `default:"4566" help:"Port on localhost; 0 picks a free one."`
	Postgres  bool   `help:"Also serve a PostgreSQL with the sample database, and its secret landfall/hr."`
	Realistic bool   `help:"Let Glue take as long as it does on AWS: minutes for what otherwise takes milliseconds."`
	Seed      uint64 `help:"Seed of every random name and id of Glue."`
	Dir       string `help:"Folder for logs and scratch files, kept afterwards. Default: a temporary one." type:"path"`
	Verbose   bool   `short:"v" help:"Log every request."`
}

// Run serves until Ctrl-C.
func (c *localCommand) Run(a *app) error {
	endpoint, err := local.Start(a.ctx, local.Config{
		Addr: addressOf(c.Port), Root: a.root, Dir: c.Dir, Glue: c.glue(), Log: c.log(a.stderr),
	})
	if err != nil {
		return err
	}
	defer endpoint.Close()
	var ended <-chan struct{} // nil, and so never ready, without PostgreSQL
	if c.Postgres {
		server, err := sample.Start(a.ctx, a.root, c.Dir)
		if err != nil {
			return err
		}
		defer server.Stop()
		if err := sample.CreateSecret(a.ctx, endpoint.AWSConfig(), server); err != nil {
			return err
		}
		ended = server.Exited()
		fmt.Fprintf(a.stdout, "export LANDFALL_HR_DSN='%s'\n", server.DSN())
	}
	a.printExports(endpoint)
	a.printNext(endpoint)
	select {
	case <-a.ctx.Done():
		fmt.Fprintln(a.stderr, "Stopping.")
		return nil
	case <-ended:
		return errors.New("PostgreSQL ended by itself")
	case <-endpoint.Ended():
		return errors.New("moto ended by itself: see moto.log")
	}
}

func (c *localCommand) glue() glue.Config {
	config := glue.Config{Seed: c.Seed}
	if c.Realistic {
		config.Latency = glue.Realistic()
	}
	return config
}

func (c *localCommand) log(w io.Writer) *slog.Logger {
	level := slog.LevelInfo
	if c.Verbose {
		level = slog.LevelDebug
	}
	return slog.New(slog.NewTextHandler(w, &slog.HandlerOptions{Level: level}))
}

// printExports prints what another shell needs: the endpoint, and the tools in their pinned versions.
func (a *app) printExports(endpoint *local.Endpoint) {
	for _, line := range []string{
		"AWS_ENDPOINT_URL=" + endpoint.URL(), "AWS_ACCESS_KEY_ID=test", "AWS_SECRET_ACCESS_KEY=test",
		"AWS_REGION=" + local.DefaultRegion, "AWS_DEFAULT_REGION=" + local.DefaultRegion,
		fmt.Sprintf(`PATH="%s:%s:%s:$PATH"`, filepath.Join(a.root, "build", "bin"), filepath.Join(a.root, "build", "venv", "bin"), filepath.Join(a.root, "build", "node_modules", ".bin")),
	} {
		fmt.Fprintln(a.stdout, "export", line)
	}
}

func (a *app) printNext(endpoint *local.Endpoint) {
	fmt.Fprintf(a.stderr, `Local AWS is up at %s (account %s, region %s); logs in %s.
Paste the export lines into another shell there; docs/local.md has a tour that begins with
  make deploy-local PORT=%s
Ctrl-C stops it.
`, endpoint.URL(), local.AccountID, local.DefaultRegion, endpoint.Dir(), endpoint.URL()[strings.LastIndexByte(endpoint.URL(), ':')+1:])
}
