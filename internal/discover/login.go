package discover

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"regexp"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"
)

// Login reads the text of a secret with the database's address and login, in the form of Amazon RDS. No part of the
// text is in the error.
func Login(text string) (*pgx.ConnConfig, error) {
	var s struct {
		Host, DBName, Username, Password, SSLMode, SSLRootCert string
		Port                                                   any
	}
	if err := json.Unmarshal([]byte(text), &s); err != nil {
		return nil, errors.New("the secret is not a JSON object with host, port, dbname, username and password")
	}
	var missing []string
	for _, field := range []struct{ name, value string }{{"host", s.Host}, {"dbname", s.DBName}, {"username", s.Username}, {"password", s.Password}} {
		if field.value == "" {
			missing = append(missing, field.name)
		}
	}
	if len(missing) > 0 {
		return nil, fmt.Errorf("the secret has no %s", strings.Join(missing, ", "))
	}
	port, err := strconv.Atoi(fmt.Sprint(s.Port))
	if s.Port == nil || s.Port == "" {
		port, err = 5432, nil
	}
	if err != nil || port < 1 || port > 65535 {
		return nil, errors.New("the secret has a port that is not a number from 1 to 65535")
	}
	words := map[string]string{
		"host": s.Host, "port": strconv.Itoa(port), "dbname": s.DBName, "user": s.Username, "password": s.Password, "sslmode": s.SSLMode,
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
