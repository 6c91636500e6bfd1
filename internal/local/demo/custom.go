package demo

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/landfall/landfall/internal/bundle"
	"github.com/landfall/landfall/internal/catalog"
	"github.com/landfall/landfall/internal/humanize"
	"github.com/landfall/landfall/internal/keys"
	"github.com/landfall/landfall/internal/local/sample"
	"github.com/landfall/landfall/internal/s3"
)

// custom lands the table that the second pass dropped from its catalog with the
// blueprint of examples/land-and-check: a job that lands, and one that checks.
func (d *demo) custom(ctx context.Context) error {
	example := filepath.Join(d.config.Root, "examples", "land-and-check")
	if err := d.phase("upload the blueprint", func() error { return d.uploadBlueprint(ctx, example) }); err != nil {
		return err
	}
	tables, err := d.upload(ctx, "checked", filepath.Join(example, "catalog.json"))
	if err != nil {
		return err
	}
	for _, t := range tables {
		delete(d.watermarks, t.SourceTable) // a full load lands all of it
	}
	if err := d.land(ctx, tables); err != nil {
		return err
	}
	if err := d.compare(ctx, tables); err != nil {
		return err
	}
	for _, t := range tables {
		if err := d.showCheck(ctx, t); err != nil {
			return err
		}
	}
	return nil
}

// uploadBlueprint does what docs/custom-blueprints.md tells a user to do.
func (d *demo) uploadBlueprint(ctx context.Context, example string) error {
	archive, err := bundle.BlueprintZIP(filepath.Join(example, "blueprint"))
	if err != nil {
		return err
	}
	script, err := os.ReadFile(filepath.Join(example, "check_batch.py"))
	if err != nil {
		return err
	}
	artifacts := s3.New(d.aws, d.stack.ArtifactsBucket)
	return errors.Join(artifacts.Put(ctx, keys.Blueprints+"land-and-check.zip", archive, "application/zip"),
		artifacts.Put(ctx, keys.Jobs+"check_batch.py", script, "text/x-python"))
}

// showCheck prints what the second job of a table's workflow found.
func (d *demo) showCheck(ctx context.Context, t catalog.Table) error {
	found, err := d.raw.List(ctx, "checks/"+sample.Database+"/"+t.SourceTable+"/")
	if err != nil {
		return err
	}
	if len(found) == 0 {
		return errors.New("the job that checks " + t.SourceTable + " wrote nothing")
	}
	var check struct {
		Rows     int64
		Problems []string
	}
	if err := d.raw.GetJSON(ctx, found[len(found)-1].Key, &check); err != nil {
		return err
	}
	rows, err := d.rows(ctx, t.SourceTable, "", "")
	if err != nil {
		return err
	}
	d.print.Line("  checked %s: %s, %s", t.SourceTable, humanize.Count(int(check.Rows), "row"), humanize.Count(len(check.Problems), "problem"))
	if check.Rows != rows || len(check.Problems) > 0 {
		return fmt.Errorf("the check of %s found %s and %q; the source has %s", t.SourceTable, humanize.Count(int(check.Rows), "row"), check.Problems, humanize.Count(int(rows), "row"))
	}
	return nil
}
