// Package dbsecret is the JSON form of the secret with a database's address and
// login: that of Amazon RDS, with keys for TLS added.
package dbsecret

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// Secret is the content of a secret. It must never be logged.
type Secret struct {
	// Engine is the kind of database, as RDS calls it; empty for PostgreSQL.
	Engine string `json:"engine,omitempty"`
	Host   string `json:"host"`
	// Port is 0 for the engine's own.
	Port     int    `json:"port,omitempty"`
	Database string `json:"dbname"`
	Username string `json:"username"`
	Password string `json:"password"`
	// SSLMode is libpq's; empty for its default.
	SSLMode string `json:"sslmode,omitempty"`
	// SSLRootCert holds the certificates, in PEM, that the server's must descend from.
	SSLRootCert string `json:"sslrootcert,omitempty"`
}

// Parse reads the text of a secret. Unknown keys are ignored. No part of the text is in the error.
func Parse(text string) (Secret, error) {
	var s struct {
		Secret
		Port any `json:"port"` // a number or a string
	}
	if err := json.Unmarshal([]byte(text), &s); err != nil {
		return Secret{}, errors.New("the secret is not a JSON object with host, port, dbname, username and password")
	}
	var missing []string
	for _, field := range []struct{ name, value string }{{"host", s.Host}, {"dbname", s.Database}, {"username", s.Username}, {"password", s.Password}} {
		if field.value == "" {
			missing = append(missing, field.name)
		}
	}
	if len(missing) > 0 {
		return Secret{}, fmt.Errorf("the secret has no %s", strings.Join(missing, ", "))
	}
	if s.Port == nil || s.Port == "" {
		return s.Secret, nil
	}
	port, err := strconv.Atoi(fmt.Sprint(s.Port))
	if err != nil || port < 1 || port > 65535 {
		return Secret{}, errors.New("the secret has a port that is not a number from 1 to 65535")
	}
	s.Secret.Port = port
	return s.Secret, nil
}

// JSON is the text of the secret.
func (s Secret) JSON() string {
	data, err := json.Marshal(s)
	if err != nil {
		panic("marshal a secret: " + err.Error()) // strings and a number
	}
	return string(data)
}
