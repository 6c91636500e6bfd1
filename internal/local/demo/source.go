package demo

import (
	"context"
	"fmt"
	"path/filepath"

	"github.com/jackc/pgx/v5"

	"github.com/landfall/landfall/internal/catalog"
	"github.com/landfall/landfall/internal/local/sample"
)

// startSource starts the company's database: a real PostgreSQL with the sample schema.
func (d *demo) startSource(ctx context.Context) error {
	source, err := sample.Start(ctx, d.config.Root, filepath.Join(d.dir, "postgres"))
	if err != nil {
		return err
	}
	d.source = source
	if d.db, err = pgx.Connect(ctx, source.DSN()); err != nil {
		return fmt.Errorf("connect to the sample database: %w", err)
	}
	return nil
}

// rows counts what the source holds: all rows, or those from the watermark on.
func (d *demo) rows(ctx context.Context, table, column, watermark string) (int64, error) {
	schema, name, err := catalog.SplitTable(table)
	if err != nil {
		return 0, err
	}
	query := "SELECT count(*) FROM " + pgx.Identifier{schema, name}.Sanitize()
	var args []any
	if watermark != "" {
		query += " WHERE " + pgx.Identifier{column}.Sanitize() + " >= $1::text::timestamptz"
		args = append(args, watermark)
	}
	var n int64
	if err := d.db.QueryRow(ctx, query, args...).Scan(&n); err != nil {
		return 0, fmt.Errorf("count the rows of %s: %w", table, err)
	}
	return n, nil
}
