package demo

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/landfall/landfall/internal/catalog"
	"github.com/landfall/landfall/internal/humanize"
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
	var archive bytes.Buffer
	z := zip.NewWriter(&archive)
	for _, name := range []string{"blueprint.cfg", "layout.py"} {
		body, err := os.ReadFile(filepath.Join(example, "blueprint", name))
		if err != nil {
			return err
		}
		w, err := z.Create(name)
		if err == nil {
			_, err = w.Write(body)
		}
		if err != nil {
			return fmt.Errorf("pack the blueprint: %w", err)
		}
	}
	if err := z.Close(); err != nil {
		return fmt.Errorf("pack the blueprint: %w", err)
	}
	script, err := os.ReadFile(filepath.Join(example, "check_batch.py"))
	if err != nil {
		return err
	}
	for key, body := range map[string][]byte{"blueprints/land-and-check.zip": archive.Bytes(), "jobs/check_batch.py": script} {
		if _, err := d.s3.PutObject(ctx, &s3.PutObjectInput{Bucket: &d.stack.ArtifactsBucket, Key: &key, Body: bytes.NewReader(body)}); err != nil {
			return fmt.Errorf("upload %s: %w", key, err)
		}
	}
	return nil
}

// showCheck prints what the second job of a table's workflow found.
func (d *demo) showCheck(ctx context.Context, t catalog.Table) error {
	found, err := d.list(ctx, "checks/"+database+"/"+t.SourceTable+"/")
	if err != nil {
		return err
	}
	if len(found) == 0 {
		return errors.New("the job that checks " + t.SourceTable + " wrote nothing")
	}
	data, err := d.get(ctx, d.stack.RawBucket, found[len(found)-1].key)
	if err != nil {
		return err
	}
	var check struct {
		Rows     int64
		Problems []string
	}
	if err := json.Unmarshal(data, &check); err != nil {
		return fmt.Errorf("read the check of %s: %w", t.SourceTable, err)
	}
	rows, err := d.rows(ctx, t.SourceTable, "", "")
	if err != nil {
		return err
	}
	d.page.line("  checked %s: %s, %s", t.SourceTable, humanize.Count(int(check.Rows), "row"), humanize.Count(len(check.Problems), "problem"))
	if check.Rows != rows || len(check.Problems) > 0 {
		return fmt.Errorf("the check of %s found %s and %q; the source has %s", t.SourceTable, humanize.Count(int(check.Rows), "row"), check.Problems, humanize.Count(int(rows), "row"))
	}
	return nil
}
