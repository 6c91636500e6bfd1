package main

import (
	"errors"
	"fmt"
	"os"

	"github.com/landfall/landfall/internal/catalog"
	"github.com/landfall/landfall/internal/discover"
)

// oldCatalog is the catalog that --update names; empty without one.
type oldCatalog struct {
	data []byte
	name string
	// tables are those of the database at hand.
	tables []catalog.Table
	secret string // the one that all of them name
}

func (o oldCatalog) lists(table string) bool {
	for _, t := range o.tables {
		if t.SourceTable == table {
			return true
		}
	}
	return false
}

func (c *discoverCommand) old() (oldCatalog, error) {
	if c.Update == "" {
		return oldCatalog{}, nil
	}
	data, err := os.ReadFile(c.Update)
	if err != nil {
		return oldCatalog{}, fmt.Errorf("read the catalog: %w", err)
	}
	old := oldCatalog{data: data, name: catalogName(c.Update)}
	parsed, err := catalog.Parse(old.name, data, catalog.StackDefaults{})
	if err != nil {
		return oldCatalog{}, err
	}
	secrets := map[string]bool{}
	for _, t := range parsed.Tables {
		if c.Secret == "" || t.SecretName == c.Secret {
			old.tables = append(old.tables, t)
			secrets[t.SecretName], old.secret = true, t.SecretName
		}
	}
	if len(secrets) > 1 {
		return oldCatalog{}, errors.New("the catalog names several secrets: say with --secret which of them is this database's")
	}
	return old, nil
}

func (c *discoverCommand) secretFor(old oldCatalog, found *discover.Database) string {
	switch {
	case c.Secret != "":
		return c.Secret
	case old.secret != "":
		return old.secret
	}
	return "landfall/" + discover.SecretPart(found.Name)
}
