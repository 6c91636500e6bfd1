package main

import (
	"fmt"
	"io"
	"log/slog"
	"net"
	"strconv"
	"strings"

	"github.com/landfall/landfall/internal/localaws"
)

// localCommand serves the local AWS endpoint.
type localCommand struct {
	Port    int    `default:"4566" help:"Port on localhost; 0 picks a free one."`
	Dir     string `help:"Folder for logs and scratch files, kept afterwards. Default: a temporary one." type:"path"`
	Verbose bool   `short:"v" help:"Log every request."`
}

// Run serves until Ctrl-C.
func (c *localCommand) Run(a *app) error {
	level := slog.LevelInfo
	if c.Verbose {
		level = slog.LevelDebug
	}
	endpoint, err := localaws.Start(a.ctx, localaws.Config{
		Addr: net.JoinHostPort("127.0.0.1", strconv.Itoa(c.Port)), Root: a.root, Dir: c.Dir,
		Log: slog.New(slog.NewTextHandler(a.stderr, &slog.HandlerOptions{Level: level})),
	})
	if err != nil {
		return err
	}
	defer endpoint.Close()
	printExports(a.stdout, endpoint)
	fmt.Fprintf(a.stderr, "Local AWS is up at %s; logs in %s. Ctrl-C stops it.\n", endpoint.URL(), endpoint.Dir())
	<-a.ctx.Done()
	return endpoint.Close()
}

// printExports prints what a shell needs to talk to the endpoint.
func printExports(w io.Writer, endpoint *localaws.Endpoint) {
	for _, line := range []string{
		"AWS_ENDPOINT_URL=" + endpoint.URL(), "AWS_ACCESS_KEY_ID=test", "AWS_SECRET_ACCESS_KEY=test",
		"AWS_REGION=" + localaws.DefaultRegion, "AWS_DEFAULT_REGION=" + localaws.DefaultRegion,
	} {
		fmt.Fprintln(w, "export", strings.TrimSpace(line))
	}
}
