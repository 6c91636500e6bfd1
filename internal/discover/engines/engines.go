// Package engines is the registry of the database engines that discover can
// describe. A new engine is a package next to postgres and a line here.
package engines

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/landfall/landfall/internal/dbsecret"
	"github.com/landfall/landfall/internal/discover"
	"github.com/landfall/landfall/internal/discover/postgres"
)

type engine struct {
	// names are those of the engine in secrets, and the schemes of its URLs. ""
	// belongs to the engine of secrets and URLs that name none.
	names      []string
	connect    func(context.Context, dbsecret.Secret) (discover.Source, error)
	connectURL func(context.Context, string) (discover.Source, error)
}

var all = []engine{
	{[]string{"", "postgres", "postgresql", "aurora-postgresql"}, postgres.Connect, postgres.ConnectURL},
}

// Connect reaches a database by a secret. No part of the secret is in the error, except the engine's name.
func Connect(ctx context.Context, s dbsecret.Secret) (discover.Source, error) {
	e, err := named(s.Engine)
	if err != nil {
		return nil, err
	}
	return e.connect(ctx, s)
}

// ConnectURL reaches a database by the URL that the engine's own command-line client takes.
func ConnectURL(ctx context.Context, url string) (discover.Source, error) {
	scheme, _, ok := strings.Cut(url, "://")
	if !ok {
		scheme = ""
	}
	e, err := named(scheme)
	if err != nil {
		return nil, err
	}
	return e.connectURL(ctx, url)
}

func named(name string) (engine, error) {
	var known []string
	for _, e := range all {
		if slices.Contains(e.names, name) {
			return e, nil
		}
		known = append(known, e.names...)
	}
	known = slices.DeleteFunc(known, func(n string) bool { return n == "" })
	return engine{}, fmt.Errorf("the engine %q is not supported; want %s", name, strings.Join(known, ", "))
}
