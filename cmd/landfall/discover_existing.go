package main

import (
	"errors"
	"fmt"
	"os"

	"github.com/landfall/landfall/internal/catalog"
	"github.com/landfall/landfall/internal/discover"
)

// existingCatalog is the catalog that --update names; empty without --update.
type existingCatalog struct {
	data []byte
	name string
	// tables are those of the database that is described.
	tables []catalog.Table
	secret string // the one that all of them name
}

func (o existingCatalog) lists(table string) bool {
	for _, t := range o.tables {
		if t.SourceTable == table {
			return true
		}
	}
	return false
}

func (c *discoverCommand) existing() (existingCatalog, error) {
	if c.Update == "" {
		return existingCatalog{}, nil
	}
	data, err := os.ReadFile(c.Update)
	if err != nil {
		return existingCatalog{}, fmt.Errorf("read the catalog: %w", err)
	}
	old := existingCatalog{data: data, name: catalogName(c.Update)}
	parsed, err := catalog.Parse(old.name, data, catalog.StackDefaults{})
	if err != nil {
		return existingCatalog{}, err
	}
	secrets := map[string]bool{}
	for _, t := range parsed.Tables {
		if c.Secret == "" || t.SecretName == c.Secret {
			old.tables = append(old.tables, t)
			secrets[t.SecretName], old.secret = true, t.SecretName
		}
	}
	if len(secrets) > 1 {
		return existingCatalog{}, errors.New("the catalog names several secrets: name the one of this database with --secret")
	}
	return old, nil
}

func (c *discoverCommand) secretFor(old existingCatalog, found *discover.Database) string {
	switch {
	case c.Secret != "":
		return c.Secret
	case old.secret != "":
		return old.secret
	}
	return "landfall/" + discover.SecretPart(found.Name)
}
