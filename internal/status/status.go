// Package status reads the status of every table of a stack: its schedule, its
// last workflow run, and its watermark.
package status

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	sdk "github.com/aws/aws-sdk-go-v2/service/glue"
	"golang.org/x/sync/errgroup"

	"github.com/landfall/landfall/internal/commitlog"
	"github.com/landfall/landfall/internal/glue"
	"github.com/landfall/landfall/internal/keys"
	"github.com/landfall/landfall/internal/plan"
	"github.com/landfall/landfall/internal/s3"
)

// Result is how the last workflow run of a table ended.
type Result = glue.Result

// Results: Never is that of a workflow that has not run.
const (
	Never     Result = "never"
	Running          = glue.Running
	Succeeded        = glue.Succeeded
	Failed           = glue.Failed
	Stopped          = glue.Stopped
)

// Row is the status of one table.
type Row struct {
	Catalog  string `json:"catalog"`
	Table    string `json:"table"`
	Workflow string `json:"workflow"`
	// Schedule is the cron pattern of the workflow's trigger; empty for a workflow that is started by hand.
	Schedule string `json:"schedule"`
	// Active reports whether the trigger fires. Next is when, in UTC; nil when it does not.
	Active bool       `json:"active"`
	Next   *time.Time `json:"next,omitempty"`
	// Result is that of the last workflow run, and Error the message of its job run when it failed.
	Result    Result     `json:"result"`
	RunID     string     `json:"runId,omitempty"`
	StartedAt *time.Time `json:"startedAt,omitempty"`
	EndedAt   *time.Time `json:"endedAt,omitempty"`
	Error     string     `json:"error,omitempty"`
	// Watermark is where the next load window begins; empty for a table that was loaded whole or never.
	Watermark string `json:"watermark,omitempty"`
	// CommittedAt is when the last batch was published, and Rows how many it had.
	CommittedAt *time.Time `json:"committedAt,omitempty"`
	Rows        int64      `json:"rows"`
	// Databases are where the table has landed; more than one means that the catalogs
	// land tables of one name from several databases, and the watermark is not known.
	Databases []string `json:"databases,omitempty"`

	bucket string
}

// Reader reads the status of a stack's tables.
type Reader struct {
	glue      *sdk.Client
	landed    *commitlog.Store
	artifacts string
	raw       string
	// Now is the clock.
	Now func() time.Time
}

// Glue throttles reads early, so few calls are under way at once.
const (
	batchSize = 25
	parallel  = 6
	attempts  = 10
	// parallelTables is how many tables' commit records are read at once; S3 takes thousands.
	parallelTables = 48
)

// New reads the tables whose catalogs are in the artifacts bucket; raw is the
// bucket of those that name none.
func New(config aws.Config, artifacts, raw string) *Reader {
	api := sdk.NewFromConfig(config, glue.Retry(attempts))
	return &Reader{glue: api, landed: commitlog.New(s3.NewClient(config), api), artifacts: artifacts, raw: raw, Now: time.Now}
}

// Read returns one row per workflow of the stack, by catalog and table.
func (r *Reader) Read(ctx context.Context, catalog string) ([]Row, error) {
	rows, err := r.workflows(ctx)
	if err != nil {
		return nil, err
	}
	if catalog != "" {
		rows = slices.DeleteFunc(rows, func(row Row) bool { return row.Catalog != catalog })
	}
	slices.SortFunc(rows, func(a, b Row) int {
		return cmp.Or(cmp.Compare(a.Catalog, b.Catalog), cmp.Compare(a.Table, b.Table), cmp.Compare(a.Workflow, b.Workflow))
	})
	return rows, r.watermarks(ctx, rows)
}

// workflows lists the account's workflows, and reads a page of them while the next is listed.
func (r *Reader) workflows(ctx context.Context) ([]Row, error) {
	results := make(chan []Row)
	collected := make(chan []Row)
	go func() {
		var all []Row
		for rows := range results {
			all = append(all, rows...)
		}
		collected <- all
	}()
	group, groupCtx := errgroup.WithContext(ctx)
	group.SetLimit(parallel)
	pages := sdk.NewListWorkflowsPaginator(r.glue, &sdk.ListWorkflowsInput{MaxResults: new(int32(batchSize))})
	var listErr error
	for pages.HasMorePages() && listErr == nil {
		var page *sdk.ListWorkflowsOutput
		if page, listErr = pages.NextPage(groupCtx); listErr != nil || len(page.Workflows) == 0 {
			continue
		}
		group.Go(func() error {
			rows, err := r.page(groupCtx, page.Workflows)
			results <- rows
			return err
		})
	}
	err := group.Wait()
	close(results)
	all := <-collected
	return all, cmp.Or(err, wrap(listErr, "list workflows"))
}

func (r *Reader) page(ctx context.Context, names []string) ([]Row, error) {
	out, err := r.glue.BatchGetWorkflows(ctx, &sdk.BatchGetWorkflowsInput{Names: names, IncludeGraph: new(true)})
	if err != nil {
		return nil, wrap(err, "get workflows")
	}
	var rows []Row
	for i := range out.Workflows {
		w := &out.Workflows[i]
		if catalog, ok := r.catalogOf(w.DefaultRunProperties[plan.OwnerMark]); ok && !plan.IsStaging(aws.ToString(w.Name)) {
			rows = append(rows, r.row(w, catalog))
		}
	}
	return rows, nil
}

// catalogOf is the catalog that an owner stands for, if it is one of this stack.
func (r *Reader) catalogOf(owner string) (string, bool) {
	return keys.CatalogName(strings.TrimPrefix(owner, "s3://"+r.artifacts+"/"))
}

// watermarks reads the commit records of the rows' tables.
func (r *Reader) watermarks(ctx context.Context, rows []Row) error {
	buckets := map[string][]commitlog.Place{}
	for _, row := range rows {
		if _, seen := buckets[row.bucket]; seen {
			continue
		}
		places, err := r.landed.Places(ctx, row.bucket)
		if err != nil {
			return err
		}
		buckets[row.bucket] = places
	}
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(parallelTables)
	for i := range rows {
		group.Go(func() error { return r.watermark(ctx, &rows[i], buckets[rows[i].bucket]) })
	}
	return group.Wait()
}

func (r *Reader) watermark(ctx context.Context, row *Row, places []commitlog.Place) error {
	var last commitlog.State
	for _, place := range places {
		state, err := r.landed.State(ctx, place, row.Table)
		if err != nil {
			return err
		}
		if state.Records > 0 {
			row.Databases = append(row.Databases, place.Database)
			last = state
		}
	}
	if len(row.Databases) != 1 {
		return nil
	}
	row.Watermark = last.Watermark()
	if b := last.Batch; b != nil {
		row.CommittedAt, row.Rows = &b.CommittedAt, b.Rows
	}
	return nil
}

// Workflow is the workflow of a table: of one catalog where more than one has
// the table. Its watermark is not read.
func (r *Reader) Workflow(ctx context.Context, catalog, table string) (Row, error) {
	rows, err := r.workflows(ctx)
	if err != nil {
		return Row{}, err
	}
	var found []Row
	for _, row := range rows {
		if row.Table == table && (catalog == "" || row.Catalog == catalog) {
			found = append(found, row)
		}
	}
	switch len(found) {
	case 1:
		return found[0], nil
	case 0:
		return Row{}, fmt.Errorf("no workflow lands %s: landfall status lists the tables", table)
	}
	names := make([]string, len(found))
	for i, row := range found {
		names[i] = row.Catalog
	}
	slices.Sort(names)
	return Row{}, fmt.Errorf("%s is in the catalogs %s: name one with --catalog", table, strings.Join(names, " and "))
}

// Bucket is where the row's table lands.
func (row Row) Bucket() string { return row.bucket }
