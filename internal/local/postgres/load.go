package postgres

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/jackc/pgx/v5"

	"github.com/landfall/landfall/internal/dbsecret"
)

// Load runs SQL scripts in the created database, each in one go.
func (s *Server) Load(ctx context.Context, scripts ...string) error {
	conn, err := pgx.Connect(ctx, s.DSN())
	if err != nil {
		return fmt.Errorf("connect to database %q: %w", s.config.Database, err)
	}
	for _, path := range scripts {
		script, readErr := os.ReadFile(path)
		if readErr != nil {
			err = fmt.Errorf("load database %q: %w", s.config.Database, readErr)
			break
		}
		// The simple protocol takes a whole script.
		if _, err = conn.PgConn().Exec(ctx, string(script)).ReadAll(); err != nil {
			err = fmt.Errorf("load database %q: %s: %w", s.config.Database, filepath.Base(path), err)
			break
		}
	}
	return errors.Join(err, conn.Close(ctx))
}

// Secret is the text of a Secrets Manager secret for the created database.
func (s *Server) Secret() string {
	return dbsecret.Secret{
		Engine: "postgres", Host: "127.0.0.1", Port: s.config.Port, Database: s.config.Database, Username: User, Password: s.config.Password,
	}.JSON()
}
