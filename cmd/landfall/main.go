// Command landfall deploys catalogs and watches what becomes of them, on AWS or on one machine: the local AWS
// endpoint, the sample database and the demo.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/signal"
	"slices"
	"strconv"
	"syscall"

	"github.com/alecthomas/kong"

	"github.com/landfall/landfall/internal/terminal"
)

// Exit codes: everything is as it should be, something differs, something went wrong.
const (
	exitOK      = 0
	exitDiffers = 1
	exitError   = 2
)

// cli is the command line. A command is one field here and one file with its Run method, which kong calls with *app.
type cli struct {
	Root string `help:"Working copy of Landfall. Default: found upwards from the current folder, then from the executable." placeholder:"DIR" type:"path"`

	Validate validateCommand `cmd:"" help:"Check catalogs offline."`
	Plan     planCommand     `cmd:"" help:"Show what a deployment would change. Exit code 1: something would."`
	Deploy   deployCommand   `cmd:"" help:"Upload a catalog, and follow its deployment to the end. Exit code 1: a table failed."`
	Status   statusCommand   `cmd:"" help:"Show the status of every table. Exit code 1: the last workflow run of one failed."`
	State    stateCommand    `cmd:"" help:"Show or change where a table's next load begins."`
	Backfill backfillCommand `cmd:"" help:"Look again at rows that have landed, and land what is missing or different."`
	Discover discoverCommand `cmd:"" help:"Write a catalog from a PostgreSQL database."`
	Demo     demoCommand     `cmd:"" help:"Run the main job end to end on this machine: deploy, upload, land, compare."`
	Local    localCommand    `cmd:"" help:"Serve the local AWS endpoint until Ctrl-C."`
	Postgres postgresCommand `cmd:"" help:"Serve an empty PostgreSQL until stopped; prints its address as one line of JSON."`
}

// app is what every command gets.
type app struct {
	ctx    context.Context // done on Ctrl-C and SIGTERM
	root   string          // the working copy, for the commands that need one
	stdin  io.Reader
	stdout io.Writer // data
	stderr io.Writer // messages
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	// After the first signal the default handling is back, so that a second one ends the process at once; its
	// children die with it.
	context.AfterFunc(ctx, stop)
	os.Exit(run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}

// run executes one command line and returns the exit code.
func run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	var c cli
	ended := -1
	parser, err := kong.New(&c, kong.Name("landfall"), kong.Writers(stdout, stderr), kong.UsageOnError(),
		kong.Description("Keeps one AWS Glue workflow per table of a catalog, and lands the tables in S3."),
		kong.Exit(func(code int) { ended = code }))
	if err != nil {
		fmt.Fprintln(stderr, "landfall:", err)
		return exitError
	}
	parsed, err := parser.Parse(args)
	if ended >= 0 { // --help
		return ended
	}
	if err != nil {
		fmt.Fprintln(stderr, "landfall:", err)
		fmt.Fprintln(stderr, "landfall --help lists the commands.")
		return exitError
	}
	a := &app{ctx: ctx, stdin: stdin, stdout: stdout, stderr: stderr}
	if slices.Contains(needRoot, parsed.Selected().Name) {
		a.root, err = findRoot(c.Root)
	}
	if err == nil {
		err = parsed.Run(a)
	}
	switch {
	case errors.Is(err, errDiffers):
		return exitDiffers
	case errors.Is(err, errShown):
		return exitError
	case errors.Is(err, context.Canceled) && ctx.Err() != nil:
		fmt.Fprintln(stderr, "landfall: stopped")
		return exitError
	case err != nil:
		fmt.Fprintln(stderr, "landfall:", err)
		return exitError
	}
	return exitOK
}

// needRoot are the commands that need a working copy.
var needRoot = []string{"demo", "local", "postgres"}

// What a command returns that has itself shown what differs, or what is wrong.
var (
	errDiffers = errors.New("something differs")
	errShown   = errors.New("something is wrong")
)

// print is where a command prints for people.
func (a *app) print() *terminal.Printer { return terminal.New(a.stdout) }

// addressOf is where the local endpoint listens for a --port.
func addressOf(port int) string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(port)) }
