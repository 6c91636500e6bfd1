// Package demo runs the main job once from end to end on one machine: deploy,
// upload a catalog, land the tables, compare, change something, and compare again.
package demo

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/jackc/pgx/v5"

	"github.com/landfall/landfall/internal/deployed"
	"github.com/landfall/landfall/internal/local"
	"github.com/landfall/landfall/internal/local/postgres"
	"github.com/landfall/landfall/internal/local/sample"
	"github.com/landfall/landfall/internal/s3"
	"github.com/landfall/landfall/internal/terminal"
)

// Config says where the demo works and where it talks.
type Config struct {
	// Root is the working copy; Addr is where the local endpoint listens.
	Root, Addr string
	// Out gets the progress and the tables.
	Out io.Writer
}

// demo is one demo under way.
type demo struct {
	config   Config
	print    *terminal.Printer
	live     *terminal.Live // nil where Out is no terminal
	dir      string
	endpoint *local.Endpoint
	source   *postgres.Server
	db       *pgx.Conn
	aws      aws.Config
	stack    *deployed.Stack
	raw      *s3.Bucket
	phases   []phase

	// watermarks is how far each table had landed after the pass before.
	watermarks map[string]string
	// took is how long the last job run of each table took, in seconds, without its wait for a place.
	took map[string]int
	// records is how many commit records of each table an earlier pass has seen.
	records map[string]int
	// differs are the tables of which a pass has not landed what the source holds, in the order in which they were found.
	differs []string
}

type phase struct {
	name    string
	seconds float64
}

// Run runs the demo. It returns the tables of which something else was landed
// than the source holds, or an error when it could not be finished.
// Nothing it started is left running.
func Run(ctx context.Context, c Config) (differs []string, err error) {
	d := &demo{
		config: c, print: terminal.New(c.Out), dir: filepath.Join(c.Root, "build", "demo"),
		watermarks: map[string]string{}, took: map[string]int{}, records: map[string]int{},
	}
	defer d.close()
	if terminal.IsTerminal(c.Out) {
		d.live = terminal.NewLive(c.Out)
	}
	if err := os.RemoveAll(d.dir); err != nil {
		return nil, err
	}
	if err := os.MkdirAll(d.dir, 0o755); err != nil {
		return nil, err
	}
	d.print.Line("%s", d.print.Paint(terminal.Bold, "Landfall demo: a catalog becomes Glue workflows, and the workflows land PostgreSQL in S3. No AWS account."))
	if err := d.prepare(ctx); err != nil {
		return nil, err
	}
	d.section("First pass: eight tables, nothing deployed yet")
	if err := d.pass(ctx, "hr.json"); err != nil {
		return nil, err
	}
	d.section("Second pass: rows changed in the source; one entry added, one edited, one removed")
	if err := d.phase("change the source", func() error { return d.source.Load(ctx, sample.Script(d.config.Root, "changes.sql")) }); err != nil {
		return nil, err
	}
	if err := d.pass(ctx, "hr-next.json"); err != nil {
		return nil, err
	}
	d.section("Third pass: the removed table with a custom blueprint that lands it and then checks it")
	if err := d.custom(ctx); err != nil {
		return nil, err
	}
	if err := d.showFunctions(ctx); err != nil {
		return nil, err
	}
	d.summary()
	return d.differs, nil
}

// prepare starts the local endpoint and the sample database, and deploys the stack.
func (d *demo) prepare(ctx context.Context) error {
	d.section("Start")
	if err := d.phase("local AWS endpoint", func() error { return d.startEndpoint(ctx) }); err != nil {
		return err
	}
	if err := d.phase("PostgreSQL with examples/hr", func() error { return d.startSource(ctx) }); err != nil {
		return err
	}
	if err := d.phase("cdk bootstrap", func() error { return d.cdk(ctx, "bootstrap") }); err != nil {
		return err
	}
	if err := d.phase("cdk deploy", func() error { return d.deploy(ctx) }); err != nil {
		return err
	}
	return d.phase("secret "+sample.Secret, func() error { return sample.CreateSecret(ctx, d.aws, d.source) })
}

// pass uploads a catalog, follows what that starts, runs every workflow and compares.
func (d *demo) pass(ctx context.Context, catalogFile string) error {
	tables, err := d.upload(ctx, "hr", filepath.Join(d.config.Root, "examples", "hr", "catalogs", catalogFile))
	if err != nil {
		return err
	}
	if err := d.land(ctx, tables); err != nil {
		return err
	}
	return d.compare(ctx, tables)
}

func (d *demo) startEndpoint(ctx context.Context) error {
	logFile, err := os.Create(filepath.Join(d.dir, "endpoint.log"))
	if err != nil {
		return err
	}
	d.endpoint, err = local.Start(ctx, local.Config{
		Addr: d.config.Addr, Root: d.config.Root, Dir: filepath.Join(d.dir, "endpoint"),
		Log: slog.New(slog.NewJSONHandler(logFile, nil)),
	})
	if err != nil {
		return err
	}
	d.aws = d.endpoint.AWSConfig()
	return nil
}

// phase does one step with its name and time shown.
func (d *demo) phase(name string, do func() error) error {
	started := time.Now()
	if d.live != nil {
		d.live.Show(name+" ...", "")
	}
	err := do()
	seconds := time.Since(started).Seconds()
	if d.live != nil {
		d.live.End()
	}
	d.print.Line("  %-34s %7.1f s  %s", name, seconds, d.mark(err))
	d.phases = append(d.phases, phase{name, seconds})
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}

func (d *demo) mark(err error) string {
	switch {
	case err == nil:
		return d.print.Paint(terminal.Green, "done")
	case errors.Is(err, context.Canceled):
		return d.print.Paint(terminal.Faint, "stopped")
	default:
		return d.print.Paint(terminal.Red, "failed")
	}
}

func (d *demo) section(title string) { d.print.Line("\n%s", d.print.Paint(terminal.Bold, title)) }

// column is a column of a table. Numbers are at its right edge.
type column struct {
	name  string
	right bool
}

// table prints rows of cells under the columns' names. A row whose last cell is wrong is red.
func (d *demo) table(columns []column, wrong string, rows [][]string) {
	var table [][]terminal.Cell
	head := make([]terminal.Cell, len(columns))
	for i, c := range columns {
		head[i] = terminal.Cell{Text: c.name, Style: terminal.Faint, Right: c.right}
	}
	table = append(table, head)
	for _, row := range rows {
		style := terminal.Plain
		if row[len(row)-1] == wrong {
			style = terminal.Red
		}
		cells := make([]terminal.Cell, len(row))
		for i, text := range row {
			cells[i] = terminal.Cell{Text: text, Style: style, Right: columns[i].right}
		}
		table = append(table, cells)
	}
	d.print.Table(2, table)
}

// verdict names the tables that differ.
func (d *demo) verdict() {
	if len(d.differs) == 0 {
		d.print.Line("\n%s", d.print.Paint(terminal.Green, "Verdict: nothing differs; every row counted in the source is counted in the files."))
		return
	}
	names := slices.Compact(slices.Sorted(slices.Values(d.differs)))
	d.print.Line("\n%s", d.print.Paint(terminal.Red, "Verdict: what was landed differs from the source: "+strings.Join(names, ", ")+". See the tables above."))
}

func (d *demo) summary() {
	d.section("Time")
	total := 0.0
	for _, p := range d.phases {
		d.print.Line("  %-34s %7.1f s", p.name, p.seconds)
		total += p.seconds
	}
	d.print.Line("  %-34s %7.1f s", "in all", total)
	d.verdict()
	d.print.Line("Logs of the endpoint, the functions and the jobs: %s", d.dir)
}

func (d *demo) close() {
	if d.db != nil {
		_ = d.db.Close(context.Background())
	}
	if d.source != nil {
		_ = d.source.Stop()
	}
	if d.endpoint != nil {
		_ = d.endpoint.Close()
	}
}
