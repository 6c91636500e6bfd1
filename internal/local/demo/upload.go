package demo

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/landfall/landfall/internal/catalog"
	"github.com/landfall/landfall/internal/deployed"
	"github.com/landfall/landfall/internal/keys"
	"github.com/landfall/landfall/internal/plan"
)

// upload puts a file into the artifacts bucket as a catalog and follows the
// execution that starts by itself. It returns the catalog's tables.
func (d *demo) upload(ctx context.Context, name, path string) ([]catalog.Table, error) {
	body, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	parsed, err := catalog.Parse(name, body, catalog.StackDefaults{})
	if err != nil {
		return nil, err
	}
	file := filepath.Base(path)
	err = d.phase("deploy "+file, func() error {
		before, err := d.stack.Executions(ctx)
		if err != nil {
			return err
		}
		d.print.Line("")
		d.print.Line("  upload %s to s3://%s/%s", file, d.stack.ArtifactsBucket, keys.Catalog(name))
		version, err := d.stack.Upload(ctx, name, body)
		if err != nil {
			return err
		}
		arn, err := d.stack.StartedBy(ctx, name, version, before)
		if err != nil {
			return err
		}
		return d.follow(ctx, arn)
	})
	return parsed.Tables, err
}

// follow shows the execution moving state by state, and its plan and end.
func (d *demo) follow(ctx context.Context, arn string) error {
	d.print.Line("  execution %s, started by the upload", deployed.ExecutionName(arn))
	end, err := d.stack.Follow(ctx, arn, func(p deployed.Progress) {
		for _, s := range p.Entered {
			d.print.Line("    %5.1f s  %s", s.After.Seconds(), s.State)
		}
	})
	if err != nil {
		return err
	}
	if end.Status != "SUCCEEDED" {
		return fmt.Errorf("the execution ended %s: %s: %s", end.Status, end.Error, end.Cause)
	}
	reports, err := d.stack.Reports(ctx, end.Execution)
	if err != nil {
		return err
	}
	for _, report := range reports {
		for _, row := range report.Tables {
			if row.Action != plan.None {
				d.print.Line("    %c %-18s %-8s %s", row.Action.Rune(), row.Table, row.Action, row.Reason)
			}
		}
		c := report.Counts
		d.print.Line("    %d created, %d updated, %d deleted, %d unchanged", c.Created, c.Updated, c.Deleted, c.Unchanged)
	}
	return nil
}
