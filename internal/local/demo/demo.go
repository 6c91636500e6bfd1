// Package demo runs the main job once from end to end on one machine: deploy,
// upload a catalog, land the tables, compare, change something, and compare again.
package demo

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/glue"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
	"github.com/jackc/pgx/v5"

	"github.com/landfall/landfall/internal/local"
	localglue "github.com/landfall/landfall/internal/local/glue"
	"github.com/landfall/landfall/internal/local/postgres"
)

// Config says where the demo works and where it talks.
type Config struct {
	// Root is the working copy; Addr is where the local endpoint listens.
	Root, Addr string
	// Out gets the story and the tables.
	Out io.Writer
	// Colour allows escape codes on Out.
	Colour bool
}

// demo is one demo under way.
type demo struct {
	config   Config
	page     *page
	dir      string
	endpoint *local.Endpoint
	source   *postgres.Server
	db       *pgx.Conn
	stack    stack
	phases   []phase

	s3      *s3.Client
	glue    *glue.Client
	sfn     *sfn.Client
	secrets *secretsmanager.Client
	lambda  *lambda.Client

	// watermarks is how far each table had landed after the pass before.
	watermarks map[string]string
	// took is how long the last job run of each table took, in seconds, without its wait for a place.
	took map[string]int
	// batches are the batches that an earlier pass has seen, by table.
	batches map[string]map[string]bool
	// differs are the tables of which a pass has not landed what the source holds, in the order in which they were found.
	differs []string
}

type phase struct {
	name    string
	seconds float64
}

const region = "eu-west-1"

// Run runs the demo. It returns the tables of which something else was landed
// than the source holds, or an error when it could not be brought to its end.
// Nothing it started is left running.
func Run(ctx context.Context, c Config) (differs []string, err error) {
	d := &demo{
		config: c, page: &page{out: c.Out, colour: c.Colour}, dir: filepath.Join(c.Root, "build", "demo"),
		watermarks: map[string]string{}, took: map[string]int{}, batches: map[string]map[string]bool{},
	}
	defer d.close()
	if err := os.RemoveAll(d.dir); err != nil {
		return nil, err
	}
	if err := os.MkdirAll(d.dir, 0o755); err != nil {
		return nil, err
	}
	d.page.title("Landfall demo: a catalog becomes Glue workflows, and the workflows land PostgreSQL in S3. No AWS account.")
	if err := d.prepare(ctx); err != nil {
		return nil, err
	}
	d.page.section("First pass: eight tables, nothing deployed yet")
	if err := d.pass(ctx, "hr.json"); err != nil {
		return nil, err
	}
	d.page.section("Second pass: rows changed in the source; one entry added, one edited, one removed")
	if err := d.phase("change the source", func() error { return d.execute(ctx, "changes.sql") }); err != nil {
		return nil, err
	}
	if err := d.pass(ctx, "hr-next.json"); err != nil {
		return nil, err
	}
	d.page.section("Third pass: the removed table by a blueprint of one's own, which lands and then checks")
	if err := d.custom(ctx); err != nil {
		return nil, err
	}
	if err := d.showFunctions(ctx); err != nil {
		return nil, err
	}
	d.summary()
	return d.differs, nil
}

// prepare starts what stands for AWS and for the company's database, and deploys the stack.
func (d *demo) prepare(ctx context.Context) error {
	d.page.section("Start")
	if err := d.phase("local AWS endpoint", func() error { return d.startEndpoint(ctx) }); err != nil {
		return err
	}
	if err := d.phase("PostgreSQL with examples/hr", func() error { return d.startSource(ctx) }); err != nil {
		return err
	}
	if err := d.phase("cdk bootstrap", func() error { return d.cdk(ctx, "bootstrap") }); err != nil {
		return err
	}
	if err := d.phase("cdk deploy", func() error { return d.cdk(ctx, "deploy") }); err != nil {
		return err
	}
	return d.phase("secret landfall/hr", func() error { return d.putSecret(ctx) })
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
		Glue: localglue.Config{Region: region}, Log: slog.New(slog.NewJSONHandler(logFile, nil)),
	})
	if err != nil {
		return err
	}
	config := aws.Config{
		Region: region, BaseEndpoint: new(d.endpoint.URL()),
		Credentials: credentials.NewStaticCredentialsProvider("test", "test", ""),
	}
	d.s3 = s3.NewFromConfig(config, func(o *s3.Options) { o.UsePathStyle = true })
	d.glue, d.sfn = glue.NewFromConfig(config), sfn.NewFromConfig(config)
	d.secrets, d.lambda = secretsmanager.NewFromConfig(config), lambda.NewFromConfig(config)
	return nil
}

// phase does one step with its name and time shown.
func (d *demo) phase(name string, do func() error) error {
	started := time.Now()
	d.page.begin(name)
	err := do()
	seconds := time.Since(started).Seconds()
	d.page.end(name, seconds, err)
	d.phases = append(d.phases, phase{name, seconds})
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}

func (d *demo) summary() {
	d.page.section("Time")
	total := 0.0
	for _, p := range d.phases {
		d.page.line("  %-34s %7.1f s", p.name, p.seconds)
		total += p.seconds
	}
	d.page.line("  %-34s %7.1f s", "in all", total)
	d.page.verdict(d.differs)
	d.page.line("Logs of the endpoint, the functions and the jobs: %s", d.dir)
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
