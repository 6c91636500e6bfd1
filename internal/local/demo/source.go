package demo

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/jackc/pgx/v5"

	"github.com/landfall/landfall/internal/catalog"
	"github.com/landfall/landfall/internal/local/postgres"
)

const (
	database   = "hr"
	secretName = "landfall/hr"
)

// startSource starts the company's database: a real PostgreSQL with the sample schema.
func (d *demo) startSource(ctx context.Context) error {
	source, err := postgres.Start(ctx, postgres.Config{Root: d.config.Root, Dir: filepath.Join(d.dir, "postgres"), Database: database})
	if err != nil {
		return err
	}
	d.source = source
	d.db, err = pgx.Connect(ctx, source.DSN())
	if err != nil {
		return fmt.Errorf("connect to the sample database: %w", err)
	}
	for _, file := range []string{"schema.sql", "data.sql"} {
		if err := d.execute(ctx, file); err != nil {
			return err
		}
	}
	return nil
}

// execute runs a file of examples/hr.
func (d *demo) execute(ctx context.Context, file string) error {
	script, err := os.ReadFile(filepath.Join(d.config.Root, "examples", "hr", file))
	if err != nil {
		return err
	}
	// The simple protocol takes a whole script.
	if _, err := d.db.PgConn().Exec(ctx, string(script)).ReadAll(); err != nil {
		return fmt.Errorf("run examples/hr/%s: %w", file, err)
	}
	return nil
}

func (d *demo) putSecret(ctx context.Context) error {
	_, err := d.secrets.CreateSecret(ctx, &secretsmanager.CreateSecretInput{Name: new(secretName), SecretString: new(d.source.Secret())})
	return err
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
