package demo

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
	"github.com/aws/aws-sdk-go-v2/service/sfn/types"

	"github.com/landfall/landfall/internal/catalog"
	"github.com/landfall/landfall/internal/plan"
	"github.com/landfall/landfall/internal/report"
)

const poll = 300 * time.Millisecond

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
	file, key := filepath.Base(path), "catalogs/"+name+".json"
	err = d.phase("deploy "+file, func() error {
		before, err := d.executions(ctx)
		if err != nil {
			return err
		}
		d.page.line("")
		d.page.line("  upload %s to s3://%s/%s", file, d.stack.ArtifactsBucket, key)
		if _, err := d.s3.PutObject(ctx, &s3.PutObjectInput{Bucket: &d.stack.ArtifactsBucket, Key: &key, Body: bytes.NewReader(body)}); err != nil {
			return err
		}
		arn, err := d.startedByUpload(ctx, before)
		if err != nil {
			return err
		}
		return d.follow(ctx, name, arn)
	})
	return parsed.Tables, err
}

func (d *demo) executions(ctx context.Context) (map[string]bool, error) {
	out, err := d.sfn.ListExecutions(ctx, &sfn.ListExecutionsInput{StateMachineArn: &d.stack.StateMachineArn})
	if err != nil {
		return nil, fmt.Errorf("list executions: %w", err)
	}
	seen := map[string]bool{}
	for _, e := range out.Executions {
		seen[*e.ExecutionArn] = true
	}
	return seen, nil
}

func (d *demo) startedByUpload(ctx context.Context, before map[string]bool) (string, error) {
	deadline := time.Now().Add(30 * time.Second)
	for time.Now().Before(deadline) {
		now, err := d.executions(ctx)
		if err != nil {
			return "", err
		}
		for arn := range now {
			if !before[arn] {
				return arn, nil
			}
		}
		if err := pause(ctx, poll); err != nil {
			return "", err
		}
	}
	return "", errors.New("no execution was started by the upload within 30 seconds")
}

// follow shows the execution moving state by state, and its plan and end.
func (d *demo) follow(ctx context.Context, catalogName, arn string) error {
	name := arn[strings.LastIndex(arn, ":")+1:]
	d.page.line("  execution %s, started by the upload", name)
	started := time.Now()
	shown := 0
	for {
		described, err := d.sfn.DescribeExecution(ctx, &sfn.DescribeExecutionInput{ExecutionArn: &arn})
		if err != nil {
			return fmt.Errorf("describe execution: %w", err)
		}
		states, err := d.entered(ctx, arn)
		if err != nil {
			return err
		}
		for _, s := range states[shown:] {
			d.page.line("    %5.1f s  %s", time.Since(started).Seconds(), s)
		}
		shown = len(states)
		if described.Status != types.ExecutionStatusRunning {
			return d.ended(ctx, catalogName, name, described)
		}
		if err := pause(ctx, poll); err != nil {
			return err
		}
	}
}

// entered is the names of the states that the execution has entered, in order.
func (d *demo) entered(ctx context.Context, arn string) ([]string, error) {
	var names []string
	pages := sfn.NewGetExecutionHistoryPaginator(d.sfn, &sfn.GetExecutionHistoryInput{ExecutionArn: &arn, MaxResults: 1000})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("get the execution's history: %w", err)
		}
		for _, e := range page.Events {
			if e.StateEnteredEventDetails != nil {
				names = append(names, *e.StateEnteredEventDetails.Name)
			}
		}
	}
	return names, nil
}

func (d *demo) ended(ctx context.Context, catalogName, name string, e *sfn.DescribeExecutionOutput) error {
	if e.Status != types.ExecutionStatusSucceeded {
		return fmt.Errorf("the execution ended %s: %s: %s", e.Status, value(e.Error), value(e.Cause))
	}
	var report report.CatalogReport
	if err := d.getJSON(ctx, d.stack.ArtifactsBucket, "reports/"+catalogName+"/"+name+"/report.json", &report); err != nil {
		return err
	}
	for _, row := range report.Tables {
		if row.Action != plan.None {
			d.page.line("    %c %-18s %-8s %s", row.Action.Rune(), row.Table, row.Action, row.Reason)
		}
	}
	c := report.Counts
	d.page.line("    %d created, %d updated, %d deleted, %d unchanged", c.Created, c.Updated, c.Deleted, c.Unchanged)
	return nil
}

func (d *demo) getJSON(ctx context.Context, bucket, key string, v any) error {
	data, err := d.get(ctx, bucket, key)
	if err != nil {
		return err
	}
	return json.Unmarshal(data, v)
}

func (d *demo) get(ctx context.Context, bucket, key string) ([]byte, error) {
	out, err := d.s3.GetObject(ctx, &s3.GetObjectInput{Bucket: &bucket, Key: &key})
	if err != nil {
		return nil, fmt.Errorf("get s3://%s/%s: %w", bucket, key, err)
	}
	defer out.Body.Close()
	return io.ReadAll(out.Body)
}

func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}

func value(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}
