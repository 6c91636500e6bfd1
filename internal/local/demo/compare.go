package demo

import (
	"bytes"
	"context"
	"fmt"
	"path"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/parquet-go/parquet-go"

	"github.com/landfall/landfall/internal/catalog"
	"github.com/landfall/landfall/internal/commitlog"
	"github.com/landfall/landfall/internal/humanize"
	"github.com/landfall/landfall/internal/local/sample"
	"github.com/landfall/landfall/internal/s3"
)

// landed is what a pass has put into the raw layer for one table.
type landed struct {
	rows, bytes int64
	files       int
}

// compare counts each table in the source and in the Parquet files of the
// batches that this pass has committed, and keeps which differ.
func (d *demo) compare(ctx context.Context, tables []catalog.Table) error {
	var rows [][]string
	for _, t := range tables {
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
			verdict = differs
			d.differs = append(d.differs, t.SourceTable)
		}
		rows = append(rows, []string{
			t.SourceTable, strings.ToLower(t.LoadType), fmt.Sprint(source), fmt.Sprint(want), fmt.Sprint(got.rows),
			fmt.Sprint(got.files), humanize.Bytes(got.bytes), fmt.Sprint(d.took[t.SourceTable]), verdict,
		})
	}
	d.print.Line("")
	d.table([]column{
		{"TABLE", false}, {"LOAD", false}, {"SOURCE ROWS", true}, {"TO LAND", true}, {"IN PARQUET", true}, {"FILES", true}, {"BYTES", true}, {"SECONDS", true}, {"", false},
	}, differs, rows)
	return nil
}

// differs marks a table whose files do not have the rows of the source.
const differs = "DIFFERS"

// newlyLanded counts the rows in the footers of the files of every batch that
// is committed and was not there in an earlier pass.
func (d *demo) newlyLanded(ctx context.Context, t catalog.Table) (landed, error) {
	var sum landed
	place := commitlog.Place{Bucket: d.raw.Name(), Database: sample.Database}
	records, err := commitlog.New(s3.NewClient(d.aws), nil).Since(ctx, place, t.SourceTable, d.records[t.SourceTable])
	if err != nil {
		return sum, err
	}
	for _, r := range records {
		d.records[t.SourceTable] = r.Seq
		if t.LoadType == catalog.Incremental {
			d.watermarks[t.SourceTable] = aws.ToString(r.Watermark)
		}
		if err := d.countBatch(ctx, sample.Database+"/"+t.SourceTable+"/batch="+r.Batch+"/", &sum); err != nil {
			return sum, err
		}
	}
	return sum, nil
}

// countBatch counts in the files' own footers, not in the commit record.
func (d *demo) countBatch(ctx context.Context, prefix string, sum *landed) error {
	files, err := d.raw.List(ctx, prefix)
	if err != nil {
		return err
	}
	for _, f := range files {
		data, err := d.raw.Get(ctx, f.Key)
		if err != nil {
			return err
		}
		file, err := parquet.OpenFile(bytes.NewReader(data), int64(len(data)))
		if err != nil {
			return fmt.Errorf("open %s: %w", path.Base(f.Key), err)
		}
		sum.rows += file.NumRows()
		sum.bytes += f.Size
		sum.files++
	}
	return nil
}
