// Package sample serves the sample database of examples/hr on this machine.
package sample

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"

	"github.com/landfall/landfall/internal/local/postgres"
)

const (
	// Database is the name of the sample database.
	Database = "hr"
	// Secret is the name of its secret, which the catalogs of examples/hr name.
	Secret = "landfall/hr"
)

// Start starts a PostgreSQL with the sample database. Its files are in dir; empty for a temporary folder.
func Start(ctx context.Context, root, dir string) (*postgres.Server, error) {
	server, err := postgres.Start(ctx, postgres.Config{Root: root, Dir: dir, Database: Database})
	if err != nil {
		return nil, err
	}
	if err := server.Load(ctx, Script(root, "schema.sql"), Script(root, "data.sql")); err != nil {
		return nil, errors.Join(err, server.Stop())
	}
	return server, nil
}

// Script is the path of a script of examples/hr in the working copy.
func Script(root, name string) string { return filepath.Join(root, "examples", "hr", name) }

// CreateSecret creates the database's secret.
func CreateSecret(ctx context.Context, config aws.Config, server *postgres.Server) error {
	_, err := secretsmanager.NewFromConfig(config).CreateSecret(ctx, &secretsmanager.CreateSecretInput{
		Name: new(Secret), SecretString: new(server.Secret()), Description: new("The sample database of examples/hr"),
	})
	if err != nil {
		return fmt.Errorf("create secret %q: %w", Secret, err)
	}
	return nil
}
