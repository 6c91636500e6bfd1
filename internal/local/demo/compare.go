package demo

import (
	"bytes"
	"context"
	"fmt"
	"path"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/parquet-go/parquet-go"

	"github.com/landfall/landfall/internal/catalog"
)

// landed is what a pass has put into the raw layer for one table.
type landed struct {
	rows, bytes int64
	files       int
}

// commit is the part of a commit record that the demo reads. Rows are counted in the files, not read from here.
type commit struct {
	Batch     string `json:"batch"`
	Watermark string `json:"watermark"`
}

// compare counts each table in the source and in the Parquet files of the
// batches that this pass has committed, and keeps which differ.
func (d *demo) compare(ctx context.Context, tables []catalog.Table) error {
	wrong := map[int]bool{}
	var rows [][]string
	for i, t := range tables {
		want, err := d.rows(ctx, t.SourceTable, t.DeltaColumnName[0], d.watermarks[t.SourceTable])
		if err != nil {
			return err
		}
		source, err := d.rows(ctx, t.SourceTable, "", "")
		if err != nil {
			return err
		}
		got, err := d.newlyLanded(ctx, t)
		if err != nil {
			return err
		}
		verdict := "same"
		if got.rows != want {
			verdict, wrong[i] = "DIFFERS", true
			d.differs = append(d.differs, t.SourceTable)
		}
		rows = append(rows, []string{
			t.SourceTable, strings.ToLower(t.LoadType), fmt.Sprint(source), fmt.Sprint(want), fmt.Sprint(got.rows),
			fmt.Sprint(got.files), size(got.bytes), fmt.Sprint(d.took[t.SourceTable]), verdict,
		})
	}
	d.page.line("")
	d.page.table([]string{"TABLE", "LOAD", "SOURCE ROWS", "TO LAND", "IN PARQUET", "FILES", "BYTES", "SECONDS", ""},
		map[int]bool{2: true, 3: true, 4: true, 5: true, 6: true, 7: true}, wrong, rows)
	return nil
}

// newlyLanded counts the rows in the footers of the files of every batch that
// is committed and was not there in an earlier pass.
func (d *demo) newlyLanded(ctx context.Context, t catalog.Table) (landed, error) {
	prefix := database + "/" + t.SourceTable + "/"
	seen := d.batches[t.SourceTable]
	if seen == nil {
		seen = map[string]bool{}
		d.batches[t.SourceTable] = seen
	}
	var sum landed
	commits, err := d.list(ctx, prefix+"_landfall/commits/")
	if err != nil {
		return sum, err
	}
	for _, o := range commits {
		var c commit
		if err := d.getJSON(ctx, d.stack.RawBucket, o.key, &c); err != nil {
			return sum, err
		}
		if seen[c.Batch] {
			continue
		}
		seen[c.Batch] = true
		if t.LoadType == catalog.Incremental {
			d.watermarks[t.SourceTable] = c.Watermark
		}
		if err := d.countBatch(ctx, prefix+"batch="+c.Batch+"/", &sum); err != nil {
			return sum, err
		}
	}
	return sum, nil
}

func (d *demo) countBatch(ctx context.Context, prefix string, sum *landed) error {
	files, err := d.list(ctx, prefix)
	if err != nil {
		return err
	}
	for _, f := range files {
		data, err := d.get(ctx, d.stack.RawBucket, f.key)
		if err != nil {
			return err
		}
		file, err := parquet.OpenFile(bytes.NewReader(data), int64(len(data)))
		if err != nil {
			return fmt.Errorf("open %s: %w", path.Base(f.key), err)
		}
		sum.rows += file.NumRows()
		sum.bytes += f.size
		sum.files++
	}
	return nil
}

type object struct {
	key  string
	size int64
}

func (d *demo) list(ctx context.Context, prefix string) ([]object, error) {
	var found []object
	pages := s3.NewListObjectsV2Paginator(d.s3, &s3.ListObjectsV2Input{Bucket: &d.stack.RawBucket, Prefix: &prefix})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return nil, fmt.Errorf("list s3://%s/%s: %w", d.stack.RawBucket, prefix, err)
		}
		for _, o := range page.Contents {
			found = append(found, object{*o.Key, *o.Size})
		}
	}
	return found, nil
}
