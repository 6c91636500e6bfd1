package postgres

import (
	"cmp"
	"fmt"
	"os"
	"regexp"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/landfall/landfall/internal/dbsecret"
)

const defaultPort = 5432

// Config is how the login of a secret connects. No part of the secret is in the error.
func Config(s dbsecret.Secret) (*pgx.ConnConfig, error) {
	words := map[string]string{
		"host": s.Host, "port": strconv.Itoa(cmp.Or(s.Port, defaultPort)), "dbname": s.Database, "user": s.Username, "password": s.Password, "sslmode": s.SSLMode,
	}
	var dsn strings.Builder
	for name, value := range words {
		if value != "" {
			fmt.Fprintf(&dsn, "%s='%s' ", name, strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(value))
		}
	}
	if s.SSLRootCert != "" {
		file, remove, err := certificates(s.SSLRootCert)
		if err != nil {
			return nil, err
		}
		defer remove()
		fmt.Fprintf(&dsn, "sslrootcert='%s'", strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(file))
	}
	config, err := pgx.ParseConfig(dsn.String()) // reads the file
	if err != nil {
		return nil, fmt.Errorf("the secret cannot be used: %s", scrub(err.Error(), s.Password))
	}
	return config, nil
}

// certificates writes certificates to a file, which pgx wants.
func certificates(pem string) (file string, remove func(), err error) {
	f, err := os.CreateTemp("", "landfall-*.pem")
	if err != nil {
		return "", nil, fmt.Errorf("keep the secret's certificates: %w", err)
	}
	remove = func() { _ = os.Remove(f.Name()) }
	if _, err = f.WriteString(pem); err == nil {
		err = f.Close()
	}
	if err != nil {
		remove()
		return "", nil, fmt.Errorf("keep the secret's certificates: %w", err)
	}
	return f.Name(), remove, nil
}

// inURL is a password in the URL of a database.
var inURL = regexp.MustCompile(`(://[^:/@\s]*:)[^@\s]*@`)

// scrub takes a password out of an error.
func scrub(message, password string) string {
	if password != "" {
		message = strings.ReplaceAll(message, password, "***")
	}
	return inURL.ReplaceAllString(message, "$1***@")
}
